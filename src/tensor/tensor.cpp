#include "safelight/tensor.h"

#include <algorithm>
#include <cassert>
#include <new>

#include "core/fresh_memory.h"
#include "tensor/byte_size.h"

namespace safelight {
namespace {

constexpr std::align_val_t kAlignment{64};  // a cache line, and the widest vector register

// From here on memory comes from the system and goes back there at once. The C library keeps what threads free for
// reuse: splitting a file of tensors of 16 MB had 428 MB so, and has 50 MB now, in no more time.
constexpr std::size_t kLarge = std::size_t{4} << 20;

}  // namespace

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<const std::byte> data)
    : dtype_(dtype), shape_(std::move(shape)), elements_(safelight::elements(shape_)), data_(std::move(data)) {}

Tensor Tensor::allocate(DType dtype, Shape shape) {
  const std::size_t bytes = std::max<std::size_t>(byte_size(dtype, shape), 1);
  if (bytes >= kLarge) return {dtype, std::move(shape), fresh_memory(bytes)};
  auto* data = static_cast<std::byte*>(::operator new(bytes, kAlignment));
  return {dtype, std::move(shape), std::shared_ptr<const std::byte>(data, [](const std::byte* p) {
            ::operator delete(const_cast<std::byte*>(p), kAlignment);
          })};
}

Tensor Tensor::from(std::span<const float> values, Shape shape) {
  Tensor t = allocate(DType::F32, std::move(shape));
  assert(static_cast<std::size_t>(t.elements()) == values.size());
  std::copy(values.begin(), values.end(), t.mutable_floats().begin());
  return t;
}

std::size_t Tensor::bytes() const noexcept { return empty() ? 0 : byte_size(dtype_, elements_); }

std::span<const float> Tensor::floats() const noexcept {
  assert(dtype_ == DType::F32);
  return {reinterpret_cast<const float*>(data_.get()), static_cast<std::size_t>(elements_)};
}

std::span<float> Tensor::mutable_floats() noexcept {
  assert(dtype_ == DType::F32);
  return {reinterpret_cast<float*>(mutable_data()), static_cast<std::size_t>(elements_)};
}

Tensor Tensor::reshaped(Shape shape) const {
  assert(safelight::elements(shape) == elements_);
  return {dtype_, std::move(shape), data_};
}

}  // namespace safelight

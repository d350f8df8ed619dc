#include "format/foreign/strided.h"

#include <algorithm>
#include <cstring>

#include "core/fail.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

std::uint64_t bytes_per_element(DType dtype) { return static_cast<std::uint64_t>(bits(dtype)) / 8; }

// Product of the sizes; false if it does not fit.
bool multiply(const Shape& shape, std::uint64_t factor, std::uint64_t& product) {
  product = factor;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    product = 0;
    return true;
  }
  for (const std::int64_t size : shape)
    if (__builtin_mul_overflow(product, static_cast<std::uint64_t>(size), &product)) return false;
  return product <= static_cast<std::uint64_t>(INT64_MAX);
}

// Whether the elements lie in row-major order without gaps; the stride of a dimension of size 1 is of no consequence.
bool is_contiguous(const StridedArray& array) {
  const std::vector<std::int64_t> wanted = contiguous_strides(array.shape);
  for (std::size_t i = 0; i < array.shape.size(); ++i)
    if (array.shape[i] != 1 && array.strides[i] != wanted[i]) return false;
  return true;
}

// Copies the elements in row-major order. The innermost dimension is a plain loop, the others count like an odometer.
void gather(const StridedArray& array, const std::byte* first, std::byte* out) {
  const std::size_t size = bytes_per_element(array.dtype);
  std::vector<std::size_t> sizes, steps;  // the latter in bytes
  for (std::size_t i = 0; i < array.shape.size(); ++i) {
    if (array.shape[i] == 1) continue;  // its stride may be any number
    sizes.push_back(static_cast<std::size_t>(array.shape[i]));
    steps.push_back(static_cast<std::size_t>(array.strides[i]) * size);
  }
  if (sizes.empty()) sizes.push_back(1), steps.push_back(size);
  const std::size_t inner = sizes.back(), step = steps.back();
  std::vector<std::size_t> at(sizes.size() - 1, 0);
  std::size_t row = 0;
  for (;;) {
    if (step == size) {
      std::memcpy(out, first + row, size * inner);
      out += size * inner;
    } else {
      for (std::size_t i = 0; i < inner; ++i, out += size) std::memcpy(out, first + row + i * step, size);
    }
    std::size_t axis = at.size();
    for (; axis > 0; --axis) {
      const std::size_t a = axis - 1;
      row += steps[a];
      if (++at[a] < sizes[a]) break;
      row -= steps[a] * sizes[a];
      at[a] = 0;
    }
    if (axis == 0) return;
  }
}

void swap_bytes(Tensor& tensor) {
  // A complex number is two floats, each with its own order.
  const std::size_t size = tensor.dtype() == DType::C64 ? 4 : bytes_per_element(tensor.dtype());
  std::byte* data = tensor.mutable_data();
  for (std::size_t i = 0; i + size <= tensor.bytes(); i += size) std::reverse(data + i, data + i + size);
}

}  // namespace

std::vector<std::int64_t> contiguous_strides(const Shape& shape, bool column_major) {
  std::vector<std::int64_t> strides(shape.size());
  std::uint64_t stride = 1;  // unsigned: beside a zero, the sizes may overflow, and the strides are never used
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::size_t axis = column_major ? i : shape.size() - 1 - i;
    strides[axis] = static_cast<std::int64_t>(stride);
    stride *= static_cast<std::uint64_t>(std::max<std::int64_t>(shape[axis], 1));
  }
  return strides;
}

std::uint64_t check_array(const StridedArray& array, std::uint64_t storage_bytes, std::string_view who,
                          std::string_view name) {
  if (array.strides.size() != array.shape.size())
    fail(ErrorCategory::format, "[{}] tensor \"{}\" has {} dimensions but {} strides", who, shown(name),
         array.shape.size(), array.strides.size());
  for (std::size_t i = 0; i < array.shape.size(); ++i)
    if (array.shape[i] < 0 || array.strides[i] < 0)
      fail(ErrorCategory::format, "[{}] tensor \"{}\" has a negative size or stride in dimension {}", who, shown(name),
           i);
  const std::uint64_t size = bytes_per_element(array.dtype);
  std::uint64_t bytes = 0;
  if (!multiply(array.shape, size, bytes))
    fail(ErrorCategory::format, "[{}] tensor \"{}\": the product of the shape {} does not fit 64 bits", who,
         shown(name), to_string(array.shape));
  if (bytes == 0) return 0;
  std::uint64_t last = array.offset;
  bool overflow = false;
  for (std::size_t i = 0; i < array.shape.size(); ++i) {
    std::uint64_t reach = 0;
    overflow |= __builtin_mul_overflow(static_cast<std::uint64_t>(array.shape[i] - 1),
                                       static_cast<std::uint64_t>(array.strides[i]), &reach);
    overflow |= __builtin_add_overflow(last, reach, &last);
  }
  if (overflow || last >= storage_bytes / size)
    fail(ErrorCategory::format,
         "[{}] tensor \"{}\" of {} with shape {} at element {} reaches outside its storage of {} bytes", who,
         shown(name), safelight::name(array.dtype), to_string(array.shape), array.offset, storage_bytes);
  if (bytes > std::max(storage_bytes, kLargestExpansion))
    fail(ErrorCategory::limit, "[{}] tensor \"{}\" repeats its storage of {} bytes until it has {} bytes", who,
         shown(name), storage_bytes, bytes);
  return bytes;
}

Extent extent_of(const StridedArray& array) {
  const std::uint64_t size = bytes_per_element(array.dtype);
  std::uint64_t last = array.offset;
  for (std::size_t i = 0; i < array.shape.size(); ++i) {
    if (array.shape[i] == 0) return {array.offset * size, array.offset * size};
    last += static_cast<std::uint64_t>(array.shape[i] - 1) * static_cast<std::uint64_t>(array.strides[i]);
  }
  return {array.offset * size, (last + 1) * size};
}

Tensor to_tensor(const StridedArray& array, std::span<const std::byte> storage, std::shared_ptr<const void> owner) {
  if (elements(array.shape) == 0) return Tensor::allocate(array.dtype, array.shape);
  const std::byte* first = storage.data() + array.offset * bytes_per_element(array.dtype);
  const bool swapped = array.big_endian && bits(array.dtype) > 8;
  if (is_contiguous(array) && !swapped)
    return {array.dtype, array.shape, std::shared_ptr<const std::byte>(std::move(owner), first)};
  Tensor tensor = Tensor::allocate(array.dtype, array.shape);
  gather(array, first, tensor.mutable_data());
  if (swapped) swap_bytes(tensor);
  return tensor;
}

}  // namespace safelight::foreign

// A tensor: a value type of dtype, shape and shared bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "safelight/dtype.h"

namespace safelight {

// Sizes of the dimensions, outermost first. Never negative.
using Shape = std::vector<std::int64_t>;

// Product of the dimensions; 1 for the empty shape. REQUIRES: it fits std::int64_t.
std::int64_t elements(const Shape& shape) noexcept;

// "[2, 77, 768]", for messages.
std::string to_string(const Shape& shape);

// A contiguous row-major array. Copying shares the bytes; they live as long as any tensor that refers to them, whether
// they were allocated or are borrowed from a mapped file. Reading from several threads is safe.
// A tensor that borrows from a file must not be written to: the mapping is read-only.
class Tensor {
 public:
  // No tensor: an empty() one, used where a tensor is optional.
  Tensor() = default;

  // Refers to `data`, whose owner is the shared pointer. REQUIRES: it holds bytes() bytes.
  Tensor(DType dtype, Shape shape, std::shared_ptr<const std::byte> data);

  // A new tensor with uninitialised bytes, aligned to 64.
  static Tensor allocate(DType dtype, Shape shape);

  // A new F32 tensor with these values. REQUIRES: as many as the shape has elements.
  static Tensor from(std::span<const float> values, Shape shape);

  bool empty() const noexcept { return data_ == nullptr; }
  explicit operator bool() const noexcept { return !empty(); }

  // Does another tensor refer to these bytes, too?
  bool shared() const noexcept { return data_.use_count() > 1; }

  DType dtype() const noexcept { return dtype_; }
  const Shape& shape() const noexcept { return shape_; }
  std::int64_t dim(std::size_t axis) const { return shape_.at(axis); }
  std::size_t rank() const noexcept { return shape_.size(); }
  std::int64_t elements() const noexcept { return elements_; }
  std::size_t bytes() const noexcept;

  const std::byte* data() const noexcept { return data_.get(); }
  std::byte* mutable_data() noexcept { return const_cast<std::byte*>(data_.get()); }

  // The values of an F32 tensor. REQUIRES: dtype() == DType::F32; for a borrowed tensor, bytes aligned to 4.
  std::span<const float> floats() const noexcept;
  std::span<float> mutable_floats() noexcept;

  // The same bytes under another shape. REQUIRES: the same number of elements.
  Tensor reshaped(Shape shape) const;

 private:
  DType dtype_ = DType::F32;
  Shape shape_;
  std::int64_t elements_ = 0;
  std::shared_ptr<const std::byte> data_;
};

// A new F32 tensor with the values of `t` (F64, F32, F16, BF16, F8_E4M3, F8_E5M2 and the integer types up to 64 bits),
// each exact or rounded to nearest even. Throws Error(format) for a type that has no number per element. Handles
// unaligned bytes.
Tensor to_f32(const Tensor& t);

}  // namespace safelight

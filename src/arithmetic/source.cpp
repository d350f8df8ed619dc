#include "arithmetic/source.h"

#include <algorithm>

#include "core/fail.h"
#include "core/printable.h"
#include "format/shape_of.h"

namespace safelight {

Source::Source(const Tensor& tensor) : dtype_(tensor.dtype()), elements_(tensor.elements()), tensor_(tensor) {}

// Counted in bytes, which are in the file: a shape may have absurd dimensions beside a zero.
Source::Source(const SafeTensors& file, const TensorInfo& info)
    : dtype_(info.dtype),
      elements_(static_cast<std::int64_t>(info.bytes() * 8 / static_cast<std::uint64_t>(bits(info.dtype)))),
      file_(file),
      offset_(file.offset(info)) {}

const std::byte* Source::read(std::int64_t first, std::int64_t count, std::vector<std::byte>& scratch) const {
  const auto at = static_cast<std::size_t>(first * bits(dtype_) / 8);
  if (!file_) return tensor_.data() + at;
  const auto wanted = static_cast<std::size_t>(count * bits(dtype_) / 8);
  if (scratch.size() < wanted) scratch.resize(wanted);
  file_->read(offset_ + at, std::span(scratch).first(wanted));
  return scratch.data();
}

Tensor read_tensor(const SafeTensors& file, const TensorInfo& info) {
  Tensor result = Tensor::allocate(info.dtype, shape_of(info));
  file.read(file.offset(info), {result.mutable_data(), result.bytes()});
  return result;
}

void for_each_batch(std::span<const Source> tensors,
                    const std::function<void(std::span<const Slice>, std::int64_t)>& body) {
  std::vector<Slice> slices;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    for (std::int64_t first = 0; first < tensors[i].elements(); first += kSlice)
      slices.push_back({i, first, std::min(kSlice, tensors[i].elements() - first)});
    bytes += tensors[i].bytes();
    if (slices.empty() || (bytes < kBatch && i + 1 < tensors.size())) continue;
    body(slices, bytes);
    slices.clear();
    bytes = 0;
  }
}

}  // namespace safelight

#include "models/inventory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "core/fail.h"
#include "core/printable.h"

namespace safelight {
namespace {

constexpr std::size_t kLongestName = 120, kMostDimensions = 8;
constexpr std::uint64_t kMostBytes = 1 << 20;  // of a tensor whose values are looked at

Tensor read_small(const SafeTensors& file, const TensorInfo& info) {
  if (info.bytes() > kMostBytes)
    fail(ErrorCategory::limit, "[recognise] tensor {}: expected at most {} bytes to look at, found {}",
         printable(info.name, kLongestName), kMostBytes, info.bytes());
  Shape shape;
  for (const std::uint64_t size : info.shape) {
    if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      fail(ErrorCategory::limit, "[recognise] tensor {}: a dimension is too large", printable(info.name, kLongestName));
    shape.push_back(static_cast<std::int64_t>(size));
  }
  Tensor values = Tensor::allocate(info.dtype, std::move(shape));
  file.read(file.offset(info), {values.mutable_data(), values.bytes()});
  return values;
}

}  // namespace

std::string_view Inventory::meta(const std::string& key) const {
  if (!metadata) return {};
  const auto found = metadata->find(key);
  return found == metadata->end() ? std::string_view() : std::string_view(found->second);
}

std::string Inventory::describe(const TensorInfo& t) const {
  const std::span<const std::uint64_t> shape(t.shape.data(), std::min(t.shape.size(), kMostDimensions));
  return fmt::format("tensor {} {} [{}{}]", printable(name_in_file ? name_in_file(t) : t.name, kLongestName),
                     name(t.dtype), fmt::join(shape, ", "), t.shape.size() > shape.size() ? ", ..." : "");
}

Inventory inventory_of(const SafeTensors& file) {
  return {.tensors = file.tensors(), .metadata = &file.metadata(), .read = [&file](const TensorInfo& info) {
            return read_small(file, info);
          }};
}

TensorNames::TensorNames(std::span<const TensorInfo> tensors) {
  sorted_.reserve(tensors.size());
  for (const TensorInfo& t : tensors) sorted_.push_back(&t);
  // Files of one type are written in this order.
  if (!std::ranges::is_sorted(sorted_, {}, &TensorInfo::name)) std::ranges::sort(sorted_, {}, &TensorInfo::name);
}

const TensorInfo* TensorNames::exact(std::string_view name) const {
  const auto found = std::ranges::lower_bound(sorted_, name, {}, &TensorInfo::name);
  return found != sorted_.end() && (*found)->name == name ? *found : nullptr;
}

std::span<const TensorInfo* const> TensorNames::all_below(std::string_view prefix) const {
  const auto first = std::ranges::lower_bound(sorted_, prefix, {}, &TensorInfo::name);
  const auto last =
      std::partition_point(first, sorted_.end(), [&](const TensorInfo* t) { return t->name.starts_with(prefix); });
  return {first, last};
}

const TensorInfo* TensorNames::below(std::string_view prefix) const {
  const auto found = all_below(prefix);
  return found.empty() ? nullptr : found.front();
}

const TensorInfo* TensorNames::between(std::string_view prefix, std::string_view suffix) const {
  const auto range = all_below(prefix);
  const auto found = std::ranges::find_if(range, [&](const TensorInfo* t) { return t->name.ends_with(suffix); });
  return found == range.end() ? nullptr : *found;
}

const TensorInfo* TensorNames::holding(std::string_view part) const {
  const auto found =
      std::ranges::find_if(sorted_, [&](const TensorInfo* t) { return t->name.find(part) != std::string::npos; });
  return found == sorted_.end() ? nullptr : *found;
}

std::uint64_t dimension(const TensorInfo* t, std::size_t axis) {
  return t && axis < t->shape.size() ? t->shape[axis] : 0;
}

}  // namespace safelight

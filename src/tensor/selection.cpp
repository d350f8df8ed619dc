// NumPy's basic indexing, as a walk by strides.
#include "tensor/selection.h"

#include <algorithm>

#include "core/fail.h"
#include "core/printable.h"

namespace safelight {
namespace {

// What an index takes from one axis: `count` places from `start` on, `step` apart.
struct Places {
  std::int64_t start = 0, count = 1, step = 1;
};

class Selector {
 public:
  Selector(std::string_view name, DType dtype, const Shape& shape) : name_(name), dtype_(dtype), shape_(shape) {}

  Selection select(const Slices& slices);

 private:
  void take_all(const Slices& slices);
  void take(std::int64_t index);
  void take(const Range& range);
  void take_whole() {
    places_.push_back({.count = shape_[places_.size()]});
    result_.push_back(places_.back().count);
    kept_.push_back(true);
  }
  StridedCopy strides() const;
  StridedCopy in_bytes(std::uint64_t from, std::uint64_t to, const std::vector<StridedCopy::Axis>& axes) const;

  const std::string_view name_;
  const DType dtype_;
  const Shape& shape_;
  std::vector<Places> places_;  // one per axis of the tensor, outermost first
  std::vector<bool> kept_;      // whether the axis is one of the result, too
  Shape result_;
};

Selection Selector::select(const Slices& slices) {
  take_all(slices);
  StridedCopy copy;
  // Asked first: beside a zero, the sizes may be such that strides overflow.
  if (std::find(result_.begin(), result_.end(), 0) != result_.end())
    copy.empty = true;
  else
    copy = strides();
  return {std::move(result_), std::move(copy)};
}

void Selector::take_all(const Slices& slices) {
  const auto is_ellipsis = [](const Slice& s) { return std::holds_alternative<Ellipsis>(s); };
  const auto is_new = [](const Slice& s) { return std::holds_alternative<NewAxis>(s); };
  const auto ellipses = std::count_if(slices.begin(), slices.end(), is_ellipsis);
  if (ellipses > 1) fail(ErrorCategory::usage, "[slice] an index can have one ellipsis ('...'), found {}", ellipses);
  const auto taken =
      slices.size() - static_cast<std::size_t>(ellipses + std::count_if(slices.begin(), slices.end(), is_new));
  if (taken > shape_.size())
    fail(ErrorCategory::usage, "[slice] too many indices: {} for tensor \"{}\" of {} dimensions", taken,
         printable(name_, 120), shape_.size());
  for (const Slice& s : slices) {
    if (const auto* index = std::get_if<std::int64_t>(&s))
      take(*index);
    else if (const auto* range = std::get_if<Range>(&s))
      take(*range);
    else if (is_new(s))
      result_.push_back(1);
    else
      for (std::size_t i = shape_.size() - taken; i > 0; --i) take_whole();
  }
  while (places_.size() < shape_.size()) take_whole();
}

void Selector::take(std::int64_t index) {
  const std::int64_t size = shape_[places_.size()];
  if (index < -size || index >= size)
    fail(ErrorCategory::usage, "[slice] index {} is outside axis {} of tensor \"{}\", which has size {}", index,
         places_.size(), printable(name_, 120), size);
  places_.push_back({.start = index < 0 ? index + size : index});
  kept_.push_back(false);
}

void Selector::take(const Range& range) {
  if (range.step == 0) fail(ErrorCategory::usage, "[slice] the step of a slice cannot be 0");
  const std::int64_t size = shape_[places_.size()];
  const std::int64_t step = std::max(range.step, -INT64_MAX);  // so that it can be negated
  const std::int64_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? size - 1 : size;
  const auto clamped = [&](std::int64_t bound) {
    return bound < 0 ? std::max(bound + size, lowest) : std::min(bound, highest);
  };
  const std::int64_t start = range.start ? clamped(*range.start) : step < 0 ? highest : lowest;
  const std::int64_t stop = range.stop ? clamped(*range.stop) : step < 0 ? lowest : highest;
  const std::int64_t distance = step < 0 ? start - stop : stop - start;
  const std::int64_t count = distance > 0 ? (distance - 1) / std::abs(step) + 1 : 0;
  places_.push_back({start, count, step});
  kept_.push_back(true);
  result_.push_back(count);
}

// In bits, because F4 and F6 are packed. Axes with one place vanish; a backward one is walked forward in the source
// and backward in the result.
StridedCopy Selector::strides() const {
  std::vector<StridedCopy::Axis> axes;  // innermost first
  std::uint64_t from = 0, to = 0;
  auto from_stride = static_cast<std::uint64_t>(bits(dtype_));
  auto to_stride = static_cast<std::int64_t>(bits(dtype_));
  for (std::size_t axis = shape_.size(); axis-- > 0;) {
    const Places& p = places_[axis];
    const bool backward = p.step < 0;
    const std::int64_t lowest = backward ? p.start + (p.count - 1) * p.step : p.start;
    from += static_cast<std::uint64_t>(lowest) * from_stride;
    if (p.count > 1) {
      if (backward) to += static_cast<std::uint64_t>((p.count - 1) * to_stride);
      axes.push_back({static_cast<std::uint64_t>(p.count), static_cast<std::uint64_t>(std::abs(p.step)) * from_stride,
                      backward ? -to_stride : to_stride});
    }
    from_stride *= static_cast<std::uint64_t>(shape_[axis]);
    if (kept_[axis]) to_stride *= p.count;
  }
  return in_bytes(from, to, axes);
}

// Joins what is contiguous on both sides into longer runs, and axes that continue each other into longer ones.
StridedCopy Selector::in_bytes(std::uint64_t from, std::uint64_t to, const std::vector<StridedCopy::Axis>& axes) const {
  auto run = static_cast<std::uint64_t>(bits(dtype_));
  std::vector<StridedCopy::Axis> joined;  // innermost first
  for (const StridedCopy::Axis& axis : axes) {
    if (joined.empty() && axis.from_stride == run && axis.to_stride == static_cast<std::int64_t>(run)) {
      run *= axis.count;
    } else if (!joined.empty() && axis.from_stride == joined.back().from_stride * joined.back().count &&
               axis.to_stride == joined.back().to_stride * static_cast<std::int64_t>(joined.back().count)) {
      joined.back().count *= axis.count;
    } else {
      joined.push_back(axis);
    }
  }
  bool whole = run % 8 == 0 && from % 8 == 0 && to % 8 == 0;
  for (const StridedCopy::Axis& axis : joined) whole = whole && axis.from_stride % 8 == 0 && axis.to_stride % 8 == 0;
  if (!whole)
    fail(ErrorCategory::usage, "[slice] the selection from tensor \"{}\" of {} does not fall on whole bytes",
         printable(name_, 120), safelight::name(dtype_));

  StridedCopy copy{.row = {.from = from / 8, .to = to / 8, .bytes = run / 8}};
  for (auto axis = joined.rbegin(); axis != joined.rend(); ++axis)
    copy.axes.push_back({axis->count, axis->from_stride / 8, axis->to_stride / 8});
  if (!copy.axes.empty()) {
    const StridedCopy::Axis innermost = copy.axes.back();
    copy.axes.pop_back();
    copy.row.count = innermost.count;
    copy.row.from_stride = innermost.from_stride;
    copy.row.to_stride = innermost.to_stride;
  }
  return copy;
}

}  // namespace

Selection select(std::string_view name, DType dtype, const Shape& shape, const Slices& slices) {
  return Selector(name, dtype, shape).select(slices);
}

Tensor slice(const Tensor& tensor, const Slices& slices) {
  const Selection selection = select("", tensor.dtype(), tensor.shape(), slices);
  Tensor result = Tensor::allocate(tensor.dtype(), selection.shape);
  StridedWalk walk(selection.copy);
  for (StridedRow row; walk.next(row);) copy_row(row, tensor.data(), result.mutable_data());
  return result;
}

}  // namespace safelight

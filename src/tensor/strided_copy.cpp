#include "tensor/strided_copy.h"

#include <cstring>

namespace safelight {
namespace {

// With the size known, a run is one load and one store.
template <std::size_t Bytes>
void copy_runs(const std::byte* from, std::uint64_t from_stride, std::byte* to, std::int64_t to_stride,
               std::uint64_t count) noexcept {
  for (std::uint64_t i = 0; i < count; ++i)
    std::memcpy(to + static_cast<std::int64_t>(i) * to_stride, from + i * from_stride, Bytes);
}

}  // namespace

void copy_row(const StridedRow& row, const std::byte* source, std::byte* destination) noexcept {
  const std::byte* from = source + row.from;
  std::byte* to = destination + row.to;
  switch (row.bytes) {
    case 1:
      return copy_runs<1>(from, row.from_stride, to, row.to_stride, row.count);
    case 2:
      return copy_runs<2>(from, row.from_stride, to, row.to_stride, row.count);
    case 4:
      return copy_runs<4>(from, row.from_stride, to, row.to_stride, row.count);
    case 8:
      return copy_runs<8>(from, row.from_stride, to, row.to_stride, row.count);
    default:
      for (std::uint64_t i = 0; i < row.count; ++i)
        std::memcpy(to + static_cast<std::int64_t>(i) * row.to_stride, from + i * row.from_stride, row.bytes);
  }
}

StridedWalk::StridedWalk(const StridedCopy& copy)
    : copy_(&copy), place_(copy.axes.size(), 0), now_(copy.row), done_(copy.empty) {}

bool StridedWalk::next(StridedRow& row) {
  if (done_) return false;
  row = now_;
  for (std::size_t axis = place_.size();; --axis) {
    if (axis == 0) {
      done_ = true;
      return true;
    }
    const StridedCopy::Axis& along = copy_->axes[axis - 1];
    if (++place_[axis - 1] < along.count) {
      now_.from += along.from_stride;
      now_.to += static_cast<std::uint64_t>(along.to_stride);
      return true;
    }
    place_[axis - 1] = 0;
    now_.from -= (along.count - 1) * along.from_stride;
    now_.to -= (along.count - 1) * static_cast<std::uint64_t>(along.to_stride);
  }
}

}  // namespace safelight

// Copying a selection of an array: which bytes go where, described by strides, and walked through in the order of the
// source without ever listing them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace safelight {

// A row of `count` equal runs. Run i is the `bytes` bytes from `from + i * from_stride` of the source, and goes to
// `to + i * to_stride` of the destination.
struct StridedRow {
  std::uint64_t from = 0, to = 0;
  std::uint64_t bytes = 0, count = 1;
  std::uint64_t from_stride = 0;  // at least `bytes`, if count > 1
  std::int64_t to_stride = 0;     // negative for a selection that goes backwards

  // Bytes from the first to the last, all between included.
  std::uint64_t extent() const noexcept { return (count - 1) * from_stride + bytes; }
};

// Source and destination: where `from` = 0 and `to` = 0 lie.
void copy_row(const StridedRow& row, const std::byte* source, std::byte* destination) noexcept;

// Rows of rows: the innermost row, repeated along each axis (outermost first).
struct StridedCopy {
  struct Axis {
    std::uint64_t count;
    std::uint64_t from_stride;
    std::int64_t to_stride;
  };
  StridedRow row;
  std::vector<Axis> axes = {};
  bool empty = false;  // nothing is selected
};

// Goes through the rows by ascending `from`. REQUIRES: the copy outlives it, and an axis' stride is at least the extent
// of what lies within.
class StridedWalk {
 public:
  explicit StridedWalk(const StridedCopy& copy);

  // False at the end.
  bool next(StridedRow& row);

 private:
  const StridedCopy* copy_;
  std::vector<std::uint64_t> place_;  // per axis
  StridedRow now_;
  bool done_;
};

}  // namespace safelight

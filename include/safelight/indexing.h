// Parts of tensors, chosen as NumPy's basic indexing does.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "safelight/tensor.h"

namespace safelight {

// start:stop:step. Negative bounds count from the end, bounds beyond it are clamped, a negative step goes backwards.
struct Range {
  std::optional<std::int64_t> start = {}, stop = {};
  std::int64_t step = 1;
};
struct Ellipsis {};  // all axes that the others leave
struct NewAxis {};   // an axis of size 1

// One part of an index. An integer picks one place of its axis, negative ones from the end, and drops the axis.
using Slice = std::variant<std::int64_t, Range, Ellipsis, NewAxis>;

// An index, outermost axis first: {Range{0, 10, 2}, Ellipsis{}, -1}. Axes that are left over are taken whole.
using Slices = std::vector<Slice>;

// The same from text as in Python, "0:10:2, ..., -1", with or without brackets around it; "None" or "newaxis" for a
// new axis. Throws Error(usage) that says where it is wrong.
Slices parse_slices(std::string_view text);

// The selection from a tensor in memory, copied. Throws Error(usage) as NumPy throws IndexError: an integer outside
// its axis, more indices than axes, two ellipses, a step of 0. Of the packed types (F4, F6), also if the selection does
// not fall on whole bytes.
Tensor slice(const Tensor& tensor, const Slices& slices);

}  // namespace safelight

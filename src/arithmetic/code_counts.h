// How often each code occurs among 8- and 16-bit elements. There are so few codes that the statistics of a large tensor
// come from their counts: one pass over the bytes, and one addition for each element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "safelight/dtype.h"
#include "safelight/statistics.h"

namespace safelight {

// Numbers of codes for 8 and 16 bits; 0 for every type that has more, or no numbers.
std::size_t codes_of(DType dtype) noexcept;

// The counts of one thread.
class CodeCounts {
 public:
  // Counts `count` elements of `dtype` at `codes`, possibly unaligned. REQUIRES: codes_of(dtype) > 0, and the same type
  // since the last take().
  void add(DType dtype, const std::byte* codes, std::int64_t count);

  // Adds what was counted to `totals`, codes_of() many, and forgets it.
  void take(std::span<std::int64_t> totals);

 private:
  // Two tables, so that neighbours with the same code do not wait for each other.
  std::vector<std::uint32_t> even_, odd_;
};

// Fills everything but `elements`, `numeric` and the number of bins, which are given. Sums go in the order of the
// codes.
void summarise_codes(DType dtype, std::span<const std::int64_t> counts, Statistics& result);

}  // namespace safelight

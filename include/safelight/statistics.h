// What the values of tensors look like: extremes, mean, spread, histogram.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "safelight/context.h"
#include "safelight/sharded.h"
#include "safelight/tensor.h"

namespace safelight {

// Everything but the three counts is of the finite values alone, and zero if there are none. 64-bit integers beyond
// 2^53 are rounded to doubles first.
struct Statistics {
  bool numeric = false;  // false: the type has no number per element (C64, F4, F6, the scales), and all below is zero
  std::int64_t elements = 0, nans = 0, infinities = 0, zeros = 0;
  double min = 0, max = 0;
  double mean = 0, std = 0;  // std: square root of the mean squared distance from the mean (not n - 1)
  std::vector<std::int64_t> histogram =
      {};  // counts in equal parts of [min, max]; the first part holds all if min = max
};

struct StatisticsOptions {
  int bins = 64;  // of the histogram, 1 to 256
};

// One for each tensor, in their order. Sums are of doubles: within a run of values the mean first, then the squared
// distances from it; runs are combined in order. So a large offset spoils nothing, and the result has the same bits on
// any number of threads. The values are read twice (a histogram must know min and max), a few megabytes at a time; the
// second reading comes from a cache, except for tensors larger than that. Large tensors of 8 and 16 bits are read once:
// the statistics come from how often each code occurs. Progress: stage "statistics", in bytes. Throws Error(usage) for
// `bins` out of range, Error(io) if the file cannot be read, Error(cancelled).
std::vector<Statistics> statistics(std::span<const Tensor> tensors, const StatisticsOptions& options = {},
                                   const Context& context = {});
std::vector<Statistics> statistics(std::span<const ShardedTensors::Entry> tensors,
                                   const StatisticsOptions& options = {}, const Context& context = {});

}  // namespace safelight

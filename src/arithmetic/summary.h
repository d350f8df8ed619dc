// From sums over parts of a tensor to its statistics.
#pragma once

#include <cstddef>

#include "safelight/statistics.h"
#include "tensor/moment_kernels.h"

namespace safelight {

// As of one set of values that is both.
Summary combined(const Summary& a, const Summary& b);

// Puts extremes, mean and spread into `result`; nothing if the summary is of no values.
void finish(const Summary& summary, Statistics& result);

// How values are put into the histogram. REQUIRES: finish() was called.
Binning binning_of(const Statistics& result);

// The part of one value. REQUIRES: it is finite and at least binning.low.
std::size_t bin_of(const Binning& binning, double value);

}  // namespace safelight

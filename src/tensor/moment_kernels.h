// Sums and histograms of doubles, compiled once per instruction set.
#pragma once

#include <cstdint>
#include <limits>

namespace safelight {

// Of finite values.
struct Summary {
  std::int64_t count = 0, zeros = 0;
  double min = std::numeric_limits<double>::infinity(), max = -std::numeric_limits<double>::infinity();
  double mean = 0, squares = 0;  // squares: sum of squared distances from the mean
};

// Value x belongs to part (x * unit - low * unit) * scale, cut to [0, last].
struct Binning {
  double low = 0, unit = 1, scale = 0;
  int last = 0;
};

// Table t of bins begins at counts + t * kBinStride. Neighbours are often equal: counted in different tables they do
// not wait for one another.
inline constexpr int kBinTables = 4, kBinStride = 256;

struct MomentKernels {
  // False if a value is NaN or infinite; `summary` is then not to be used. REQUIRES: count > 0.
  bool (*summarise)(const double* x, std::int64_t count, Summary& summary);

  // Adds to counts[kBinTables * kBinStride]. REQUIRES: every value is finite and at least binning.low.
  void (*count_bins)(const double* x, std::int64_t count, const Binning& binning, std::uint32_t* counts);
};

// Those of the best instruction set this processor has.
const MomentKernels& moment_kernels();

}  // namespace safelight

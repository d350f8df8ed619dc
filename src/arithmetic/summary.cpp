#include "arithmetic/summary.h"

#include <algorithm>
#include <cmath>

namespace safelight {

Summary combined(const Summary& a, const Summary& b) {
  if (a.count == 0) return b;
  if (b.count == 0) return a;
  const auto n = static_cast<double>(a.count + b.count);
  const double distance = b.mean - a.mean, share = static_cast<double>(b.count) / n;
  return {.count = a.count + b.count,
          .zeros = a.zeros + b.zeros,
          .min = std::min(a.min, b.min),
          .max = std::max(a.max, b.max),
          .mean = a.mean + distance * share,
          .squares = a.squares + b.squares + distance * distance * static_cast<double>(a.count) * share};
}

Binning binning_of(const Statistics& s) {
  const auto bins = static_cast<int>(s.histogram.size());
  Binning binning{.low = s.min, .last = bins - 1};
  if (!std::isfinite(s.max - s.min)) binning.unit = 0.5;  // the range of doubles is twice what a double can hold
  const double range = s.max * binning.unit - s.min * binning.unit;
  if (range > 0) binning.scale = bins / range;
  if (!std::isfinite(binning.scale)) binning.scale = 0;  // a range of a few subnormals
  return binning;
}

void finish(const Summary& summary, Statistics& s) {
  if (summary.count == 0) return;
  s.zeros = summary.zeros;
  s.min = summary.min + 0.0;  // -0 becomes 0: which of the two is found first, depends on the processor
  s.max = summary.max + 0.0;
  s.mean = summary.mean;
  s.std = std::sqrt(summary.squares / static_cast<double>(summary.count));
}

std::size_t bin_of(const Binning& binning, double value) {
  const double place = (value * binning.unit - binning.low * binning.unit) * binning.scale;
  return static_cast<std::size_t>(std::min(place, static_cast<double>(binning.last)));
}

}  // namespace safelight

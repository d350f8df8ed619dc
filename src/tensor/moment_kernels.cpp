#include "tensor/moment_kernels.h"

#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tensor/moment_kernels.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace safelight::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using DD = hn::ScalableTag<double>;
using VD = hn::Vec<DD>;
inline constexpr std::int64_t kDoubles = static_cast<std::int64_t>(hn::MaxLanes(DD()));

// Two of each, so that one addition need not wait for the one before.
struct Accumulator {
  VD sum, disorder;  // disorder: x - x is 0 for a finite x, else NaN
  VD min, max;
  std::int64_t zeros;

  // Written out: an implicit one would belong to no instruction set, which ARM's compilers refuse.
  HWY_INLINE Accumulator() {
    sum = disorder = hn::Zero(DD());
    min = hn::Set(DD(), std::numeric_limits<double>::infinity());
    max = hn::Neg(min);
    zeros = 0;
  }
  HWY_INLINE void add(VD x) {
    sum = hn::Add(sum, x);
    disorder = hn::Add(disorder, hn::Sub(x, x));
    min = hn::Min(min, x);
    max = hn::Max(max, x);
    zeros += static_cast<std::int64_t>(hn::CountTrue(DD(), hn::Eq(x, hn::Zero(DD()))));
  }
};

HWY_INLINE double total(VD v) { return hn::GetLane(hn::SumOfLanes(DD(), v)); }

bool summarise(const double* x, std::int64_t count, Summary& summary) {
  Accumulator even, odd;
  std::int64_t i = 0;
  for (; i + 2 * kDoubles <= count; i += 2 * kDoubles) {
    even.add(hn::LoadU(DD(), x + i));
    odd.add(hn::LoadU(DD(), x + i + kDoubles));
  }
  const std::int64_t whole = i;
  double sum = total(hn::Add(even.sum, odd.sum)), disorder = total(hn::Add(even.disorder, odd.disorder));
  summary = {.count = count, .zeros = even.zeros + odd.zeros};
  summary.min = hn::GetLane(hn::MinOfLanes(DD(), hn::Min(even.min, odd.min)));
  summary.max = hn::GetLane(hn::MaxOfLanes(DD(), hn::Max(even.max, odd.max)));
  for (; i < count; ++i) {
    sum += x[i];
    disorder += x[i] - x[i];
    summary.min = std::min(summary.min, x[i]);
    summary.max = std::max(summary.max, x[i]);
    summary.zeros += x[i] == 0 ? 1 : 0;
  }
  if (disorder != 0) return false;

  // The mean is off by a rounding, which a large mean makes large beside the spread: what is left of the deviations
  // says by how much (Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", the corrected
  // two-pass algorithm).
  const double rough = sum / static_cast<double>(count);
  const VD mean = hn::Set(DD(), rough);
  VD squares0 = hn::Zero(DD()), squares1 = squares0, left0 = squares0, left1 = squares0;
  for (i = 0; i < whole; i += 2 * kDoubles) {
    const VD a = hn::Sub(hn::LoadU(DD(), x + i), mean), b = hn::Sub(hn::LoadU(DD(), x + i + kDoubles), mean);
    squares0 = hn::MulAdd(a, a, squares0);
    squares1 = hn::MulAdd(b, b, squares1);
    left0 = hn::Add(left0, a);
    left1 = hn::Add(left1, b);
  }
  double squares = total(hn::Add(squares0, squares1)), left = total(hn::Add(left0, left1));
  for (; i < count; ++i) {
    squares += (x[i] - rough) * (x[i] - rough);
    left += x[i] - rough;
  }
  const double correction = left / static_cast<double>(count);
  summary.mean = rough + correction;
  summary.squares = std::max(0.0, squares - left * correction);
  return true;
}

void count_bins(const double* x, std::int64_t count, const Binning& binning, std::uint32_t* counts) {
  constexpr std::int64_t kRun = 512;
  const hn::Rebind<std::int32_t, DD> indexes;
  const VD unit = hn::Set(DD(), binning.unit), low = hn::Set(DD(), binning.low * binning.unit);
  const VD scale = hn::Set(DD(), binning.scale), last = hn::Set(DD(), binning.last);
  alignas(64) std::int32_t bins[kRun];
  for (std::int64_t first = 0; first < count; first += kRun) {
    const std::int64_t run = std::min(kRun, count - first), whole = run / kDoubles * kDoubles;
    for (std::int64_t i = 0; i < whole; i += kDoubles) {
      const VD place = hn::Mul(hn::Sub(hn::Mul(hn::LoadU(DD(), x + first + i), unit), low), scale);
      hn::StoreU(hn::DemoteTo(indexes, hn::Min(place, last)), indexes, bins + i);
    }
    for (std::int64_t i = whole; i < run; ++i) {
      const double place = (x[first + i] * binning.unit - binning.low * binning.unit) * binning.scale;
      bins[i] = static_cast<std::int32_t>(std::min(place, static_cast<double>(binning.last)));
    }
    std::int64_t i = 0;
    for (; i + kBinTables <= run; i += kBinTables)
      for (int t = 0; t < kBinTables; ++t) ++counts[t * kBinStride + bins[i + t]];
    for (; i < run; ++i) ++counts[bins[i]];
  }
}

const MomentKernels* find_kernels() {
  static constexpr MomentKernels kKernels{.summarise = summarise, .count_bins = count_bins};
  return &kKernels;
}

}  // namespace
}  // namespace safelight::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace safelight {
HWY_EXPORT(find_kernels);

const MomentKernels& moment_kernels() { return *HWY_DYNAMIC_DISPATCH(find_kernels)(); }

}  // namespace safelight
#endif

#include "arithmetic/row_product.h"

#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "arithmetic/row_product.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace safelight::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
inline constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

void product(const float* u, std::int64_t rank, const float* d, std::int64_t stride, std::int64_t columns, float* y) {
  std::int64_t j = 0;
  for (; j + 4 * kLanes <= columns; j += 4 * kLanes) {  // four sums hide the latency of a multiply-add
    V sum0 = hn::Zero(D()), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (std::int64_t r = 0; r < rank; ++r) {
      const float* row = d + r * stride + j;
      const V factor = hn::Set(D(), u[r]);
      sum0 = hn::MulAdd(factor, hn::LoadU(D(), row), sum0);
      sum1 = hn::MulAdd(factor, hn::LoadU(D(), row + kLanes), sum1);
      sum2 = hn::MulAdd(factor, hn::LoadU(D(), row + 2 * kLanes), sum2);
      sum3 = hn::MulAdd(factor, hn::LoadU(D(), row + 3 * kLanes), sum3);
    }
    hn::StoreU(sum0, D(), y + j);
    hn::StoreU(sum1, D(), y + j + kLanes);
    hn::StoreU(sum2, D(), y + j + 2 * kLanes);
    hn::StoreU(sum3, D(), y + j + 3 * kLanes);
  }
  for (; j < columns; ++j) {
    float sum = 0;
    for (std::int64_t r = 0; r < rank; ++r) sum += u[r] * d[r * stride + j];
    y[j] = sum;
  }
}

}  // namespace
}  // namespace safelight::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace safelight {
HWY_EXPORT(product);

void row_product(const float* u, std::int64_t rank, const float* d, std::int64_t stride, std::int64_t columns,
                 float* y) {
  HWY_DYNAMIC_DISPATCH(product)(u, rank, d, stride, columns, y);
}

}  // namespace safelight
#endif

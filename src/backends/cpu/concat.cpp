#include <algorithm>

#include "backends/cpu/ops.h"

namespace safelight::cpu {

void concat(Engine& engine, const Tensor& a, const Tensor& b, Tensor& y) {
  const std::int64_t ca = a.shape().back(), cb = b.shape().back();
  if (y.elements() == 0) return;
  const std::int64_t pixels = y.elements() / (ca + cb), block = std::max<std::int64_t>(1, 64 * 1024 / (ca + cb));
  const float *from_a = a.floats().data(), *from_b = b.floats().data();
  float* to = y.mutable_floats().data();
  engine.for_each(divide_up(pixels, block), [&](std::int64_t task) {
    float* out = to + task * block * (ca + cb);
    for (std::int64_t p = task * block; p < std::min(pixels, (task + 1) * block); ++p) {
      out = std::copy_n(from_a + p * ca, ca, out);
      out = std::copy_n(from_b + p * cb, cb, out);
    }
  });
}

}  // namespace safelight::cpu

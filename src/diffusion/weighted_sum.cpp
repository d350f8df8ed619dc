#include "diffusion/weighted_sum.h"

#include <cassert>

namespace safelight {

Tensor scaled(const Tensor& x, double factor) {
  Tensor result = Tensor::allocate(DType::F32, x.shape());
  const std::span<const float> in = x.floats();
  const std::span<float> out = result.mutable_floats();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(factor * in[i]);
  return result;
}

Tensor weighted_sum(double a, const Tensor& x, double b, const Tensor& y) {
  assert(x.elements() == y.elements());
  Tensor result = Tensor::allocate(DType::F32, x.shape());
  const std::span<const float> xs = x.floats(), ys = y.floats();
  const std::span<float> out = result.mutable_floats();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(a * xs[i] + b * ys[i]);
  return result;
}

}  // namespace safelight

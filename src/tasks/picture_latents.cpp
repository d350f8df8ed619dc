#include "tasks/picture_latents.h"

#include <cassert>
#include <cmath>

#include "diffusion/weighted_sum.h"

namespace safelight {

Tensor picked(const LatentDistribution& distribution, const Tensor& noise) {
  Tensor result = scaled(distribution.mean, 1);
  if (noise.empty()) return result;
  assert(noise.elements() == result.elements());
  const std::span<float> out = result.mutable_floats();
  const std::span<const float> log_variance = distribution.log_variance.floats(), n = noise.floats();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += std::exp(0.5f * log_variance[i]) * n[i];
  return result;
}

}  // namespace safelight

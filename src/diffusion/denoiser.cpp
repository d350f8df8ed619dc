#include "diffusion/denoiser.h"

#include <cmath>

#include "core/fail.h"
#include "diffusion/weighted_sum.h"

namespace safelight {

Tensor Denoiser::noise(const Tensor& x, double sigma) const {
  Tensor n = model_(x, static_cast<float>(schedule_.timestep(sigma)));
  if (n.shape() != x.shape())
    fail(ErrorCategory::model, "[denoiser] expected the noise in {}, found the shape {}", to_string(x.shape()),
         to_string(n.shape()));
  return n;
}

Tensor Denoiser::denoised(const Tensor& x, double sigma) const {
  return weighted_sum(1, x, -sigma, noise(scaled(x, 1 / std::sqrt(1 + sigma * sigma)), sigma));
}

}  // namespace safelight

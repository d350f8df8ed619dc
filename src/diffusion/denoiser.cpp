#include "diffusion/denoiser.h"

#include <cmath>

#include "core/fail.h"
#include "diffusion/weighted_sum.h"

namespace safelight {

Tensor Denoiser::predict(const Tensor& x, double sigma) const {
  Tensor predicted = model_(x, static_cast<float>(schedule_.timestep(sigma)));
  if (predicted.shape() != x.shape())
    fail(ErrorCategory::model, "[denoiser] expected a prediction for {}, found the shape {}", to_string(x.shape()),
         to_string(predicted.shape()));
  return predicted;
}

// With a = 1 / (1 + sigma^2), the share of x0 in the variance:  x = sqrt(a) x0 + sqrt(1 - a) n,  v = sqrt(a) n -
// sqrt(1 - a) x0  (Salimans & Ho 2022, "Progressive distillation", appendix D): a rotation, and here its inverse.
Split Denoiser::split(const Tensor& x, double sigma) const {
  const double root_a = 1 / std::hypot(1, sigma), root_b = sigma * root_a;
  Tensor predicted = predict(x, sigma);
  if (prediction_ == Prediction::v)
    return {.x0 = weighted_sum(root_a, x, -root_b, predicted), .noise = weighted_sum(root_b, x, root_a, predicted)};
  return {.x0 = weighted_sum(1 / root_a, x, -root_b / root_a, predicted), .noise = predicted};
}

Tensor Denoiser::denoised(const Tensor& x, double sigma) const {
  const double variance = 1 + sigma * sigma, root = std::sqrt(variance);
  const Tensor predicted = predict(scaled(x, 1 / root), sigma);
  return prediction_ == Prediction::v ? weighted_sum(1 / variance, x, -sigma / root, predicted)
                                      : weighted_sum(1, x, -sigma, predicted);
}

}  // namespace safelight

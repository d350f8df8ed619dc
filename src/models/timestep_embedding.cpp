#include "models/timestep_embedding.h"

#include <cmath>

namespace safelight {

Tensor timestep_embedding(std::span<const float> timesteps, std::int64_t width, Backend& backend) {
  // The angles are rounded to float as they were in training: at t = 999 that moves a sine by up to 6e-5.
  const std::int64_t half = width / 2;
  const auto log_period = static_cast<float>(std::log(10000.0));
  Tensor result = backend.empty({static_cast<std::int64_t>(timesteps.size()), width});
  backend.touch([&] {
    float* row = result.mutable_floats().data();
    for (const float t : timesteps) {
      for (std::int64_t i = 0; i < half; ++i) {
        const float exponent = -log_period * static_cast<float>(i) / static_cast<float>(half);
        const float angle = t * std::exp(exponent);
        row[i] = static_cast<float>(std::cos(static_cast<double>(angle)));
        row[half + i] = static_cast<float>(std::sin(static_cast<double>(angle)));
      }
      row += width;
    }
  });
  return result;
}

}  // namespace safelight

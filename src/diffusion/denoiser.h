// What a sampler asks of the model: the noise in a latent, or the latent without it.
#pragma once

#include <functional>

#include "diffusion/noise_schedule.h"
#include "safelight/tensor.h"

namespace safelight {

// The guided network: F32 latents in variance-preserving form and a training step, fractions allowed -> the noise of
// unit variance in them. A Guidance is one.
using NoiseModel = std::function<Tensor(const Tensor& x, float timestep)>;

// The model at any noise level. Refers to the schedule, which must outlive it.
class Denoiser {
 public:
  Denoiser(const NoiseSchedule& schedule, NoiseModel model) : schedule_(schedule), model_(std::move(model)) {}

  const NoiseSchedule& schedule() const noexcept { return schedule_; }

  // The noise n in  x = (x0 + sigma * n) / sqrt(1 + sigma^2).
  Tensor noise(const Tensor& x, double sigma) const;

  // The model's guess of x0, given  x = x0 + sigma * n.
  Tensor denoised(const Tensor& x, double sigma) const;

 private:
  const NoiseSchedule& schedule_;
  NoiseModel model_;
};

}  // namespace safelight

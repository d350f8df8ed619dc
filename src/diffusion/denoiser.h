// What a sampler asks of the model: the noise in a latent, or the latent without it. Which of the two the network
// predicts, or a mixture of both, no sampler needs to know.
#pragma once

#include <functional>

#include "diffusion/noise_schedule.h"
#include "models/family.h"
#include "safelight/tensor.h"

namespace safelight {

// The guided network: F32 latents in variance-preserving form and a training step, fractions allowed -> what it was
// trained to predict of them. A Guidance is one.
using NoiseModel = std::function<Tensor(const Tensor& x, float timestep)>;

// The two parts of a noisy latent, as the model sees them.
struct Split {
  Tensor x0, noise;
};

// The model at any noise level. Refers to the schedule, which must outlive it.
class Denoiser {
 public:
  Denoiser(const NoiseSchedule& schedule, NoiseModel model, Prediction prediction = Prediction::noise)
      : schedule_(schedule), model_(std::move(model)), prediction_(prediction) {}

  const NoiseSchedule& schedule() const noexcept { return schedule_; }

  // x0 and the noise n of unit variance in  x = (x0 + sigma * n) / sqrt(1 + sigma^2).
  Split split(const Tensor& x, double sigma) const;

  // The model's guess of x0, given  x = x0 + sigma * n.
  Tensor denoised(const Tensor& x, double sigma) const;

 private:
  Tensor predict(const Tensor& x, double sigma) const;

  const NoiseSchedule& schedule_;
  NoiseModel model_;
  Prediction prediction_;
};

}  // namespace safelight

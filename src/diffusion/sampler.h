// A sampler: how latents are taken from one noise level to the next, and the loop that does it for a whole picture.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "diffusion/denoiser.h"
#include "diffusion/noise_schedule.h"
#include "safelight/context.h"
#include "safelight/tensor.h"

namespace safelight {

// One step of a picture: from levels[index] to levels[index + 1].
struct Step {
  std::span<const double> levels;  // falling
  std::size_t index = 0;

  double sigma() const { return levels[index]; }
  double next() const { return levels[index + 1]; }
};

// Noise of unit variance in the latents' shape; asked once for each step that adds noise, in order.
using NoiseSource = std::function<Tensor()>;

// How each one is written down, with its paper, is in its own file: euler.cpp, euler_ancestral.cpp, ddim.cpp,
// dpmpp_2m.cpp. It serves one batch of pictures at a time, from step 0 on; it may remember earlier steps.
//
// Its latents are x0 + sigma * n (k-diffusion's and A1111's form) unless its file says otherwise.
class Sampler {
 public:
  virtual ~Sampler() = default;

  // The levels of a picture: steps + 1, falling. Throws Error(usage) for a number of steps or a spacing it cannot take.
  virtual std::vector<double> levels(const NoiseSchedule& schedule, Spacing spacing, int steps) const;

  // What Spacing::automatic means to it.
  virtual Spacing default_spacing() const { return Spacing::normal; }

  // Start latents are this times noise of unit variance.
  virtual double start_scale(double sigma) const { return sigma; }

  // x0 with noise n of unit variance is, at a level, this times (x0 + sigma * n).
  virtual double form(double /*sigma*/) const { return 1; }

  // The latents at step.next(), given x at step.sigma(). REQUIRES: steps in order, the first with index 0.
  virtual Tensor step(const Tensor& x, const Step& step, const Denoiser& denoiser, const NoiseSource& noise) = 0;
};

// The latents after a step, for whoever watches.
struct StepReport {
  int done = 0, steps = 0;
  double sigma = 0;       // their level
  const Tensor& latents;  // in the sampler's form
};

// What the latents become at the end of a step: x at step.next(), in the sampler's form.
using Amendment = std::function<Tensor(Tensor x, const Step& step)>;

// Takes x, latents at levels.front(), to levels.back(), and returns them: ready for the VAE decoder but for its scale
// factor. After every step: amends the latents, unless `amend` is empty; reports Progress{stage, done, steps}; calls
// on_step, unless it is empty. Throws Error(cancelled) between steps, and whatever the model throws within one.
Tensor sample(Sampler& sampler, std::span<const double> levels, Tensor x, const Denoiser& denoiser,
              const NoiseSource& noise, const Context& context,
              const std::function<void(const StepReport&)>& on_step = {}, const Amendment& amend = {},
              std::string_view stage = "step");

}  // namespace safelight

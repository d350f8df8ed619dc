#include "diffusion/sampler.h"

#include <cassert>

namespace safelight {

std::vector<double> Sampler::levels(const NoiseSchedule& schedule, Spacing spacing, int steps) const {
  return noise_levels(schedule, spacing == Spacing::automatic ? default_spacing() : spacing, steps);
}

Tensor sample(Sampler& sampler, std::span<const double> levels, Tensor x, const Denoiser& denoiser,
              const NoiseSource& noise, const Context& context, const std::function<void(const StepReport&)>& on_step,
              const Amendment& amend, std::string_view stage) {
  assert(levels.size() >= 2);
  const int steps = static_cast<int>(levels.size()) - 1;
  for (int i = 0; i < steps; ++i) {
    context.check_cancelled();
    const Step step{levels, static_cast<std::size_t>(i)};
    x = sampler.step(x, step, denoiser, noise);
    if (amend) x = amend(std::move(x), step);
    context.report(stage, i + 1, steps);
    if (on_step) on_step({.done = i + 1, .steps = steps, .sigma = step.next(), .latents = x});
  }
  return x;
}

}  // namespace safelight

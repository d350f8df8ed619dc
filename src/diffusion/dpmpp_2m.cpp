// DPM-Solver++(2M): the exact solution of the linear part in lambda = -log sigma, with the denoised latent extrapolated
// from the step before (Lu et al. 2022, "DPM-Solver++", algorithm 2). The first step and the step to level 0 are of
// first order. Automatic spacing is Karras, as in A1111.
//
// k-diffusion: sample_dpmpp_2m. diffusers: DPMSolverMultistepScheduler(algorithm_type="dpmsolver++", solver_order=2,
// solver_type="midpoint", final_sigmas_type="zero", lower_order_final=True) stepped over the sigmas and timesteps of
// the EulerDiscreteScheduler of euler.cpp: its own are rounded to whole training steps and, in normal spacing, one
// short. Its latents are ours / sqrt(1 + sigma^2), and start as noise * sigma / sqrt(1 + sigma^2).
#include <cmath>

#include "diffusion/samplers.h"
#include "diffusion/weighted_sum.h"

namespace safelight {
namespace {

class Dpmpp2m : public Sampler {
 public:
  Spacing default_spacing() const override { return Spacing::karras; }

  Tensor step(const Tensor& x, const Step& step, const Denoiser& denoiser, const NoiseSource& /*noise*/) override {
    const Tensor denoised = denoiser.denoised(x, step.sigma());
    Tensor target = denoised;
    if (step.index > 0 && step.next() > 0) {
      const double h = std::log(step.sigma() / step.next());
      const double last_h = std::log(step.levels[step.index - 1] / step.sigma());
      const double extrapolation = h / (2 * last_h);
      target = weighted_sum(1 + extrapolation, denoised, -extrapolation, previous_);
    }
    previous_ = denoised;
    const double keep = step.next() / step.sigma();  // exp(-h)
    return weighted_sum(keep, x, 1 - keep, target);
  }

 private:
  Tensor previous_;  // denoised at the step before
};

}  // namespace

std::unique_ptr<Sampler> make_dpmpp_2m() { return std::make_unique<Dpmpp2m>(); }

}  // namespace safelight

// Euler steps below the next level, then fresh noise up to it: ancestral sampling (Ho et al. 2020, "Denoising diffusion
// probabilistic models") on any noise levels, as k-diffusion does it with eta = 1.
//
// k-diffusion: sample_euler_ancestral. diffusers: EulerAncestralDiscreteScheduler(beta_schedule="scaled_linear",
// beta_start=0.00085, beta_end=0.012, timestep_spacing="linspace"); it has no Karras spacing of its own.
#include <cmath>

#include "diffusion/samplers.h"
#include "diffusion/weighted_sum.h"

namespace safelight {
namespace {

class EulerAncestral : public Sampler {
 public:
  Tensor step(const Tensor& x, const Step& step, const Denoiser& denoiser, const NoiseSource& noise) override {
    // next^2 = down^2 + up^2: the noise that is kept, and the noise that is new.
    const double next2 = step.next() * step.next(), sigma2 = step.sigma() * step.sigma();
    const double up = std::sqrt(next2 * (sigma2 - next2) / sigma2);
    const double down = next2 / step.sigma();
    const double keep = down / step.sigma();
    Tensor y = weighted_sum(keep, x, 1 - keep, denoiser.denoised(x, step.sigma()));
    return step.next() == 0 ? y : weighted_sum(1, y, up, noise());
  }
};

}  // namespace

std::unique_ptr<Sampler> make_euler_ancestral() { return std::make_unique<EulerAncestral>(); }

}  // namespace safelight

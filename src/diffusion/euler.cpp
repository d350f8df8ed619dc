// Euler's method on the probability-flow equation  dx/dsigma = (x - D(x; sigma)) / sigma  (Karras et al. 2022,
// "Elucidating the design space of diffusion-based generative models", algorithm 2 without churn).
//
// k-diffusion: sample_euler. diffusers: EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085,
// beta_end=0.012, timestep_spacing="linspace"), with use_karras_sigmas=True for Karras spacing.
#include "diffusion/samplers.h"
#include "diffusion/weighted_sum.h"

namespace safelight {
namespace {

class Euler : public Sampler {
 public:
  Tensor step(const Tensor& x, const Step& step, const Denoiser& denoiser, const NoiseSource& /*noise*/) override {
    // x + (x - D) / sigma * (next - sigma), its terms collected.
    const double keep = step.next() / step.sigma();
    return weighted_sum(keep, x, 1 - keep, denoiser.denoised(x, step.sigma()));
  }
};

}  // namespace

std::unique_ptr<Sampler> make_euler() { return std::make_unique<Euler>(); }

}  // namespace safelight

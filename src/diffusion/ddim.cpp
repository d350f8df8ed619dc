// Denoising diffusion implicit models (Song et al. 2021), equation 12 with eta = 0.
//
// Its latents are in the variance-preserving form  sqrt(a) x0 + sqrt(1 - a) n,  a = alpha_cumprod = 1 / (1 + sigma^2),
// so they start as plain noise; and its last level is that of training step 0, not 0.
//
// The levels are those of the original latent-diffusion code and of diffusers: DDIMScheduler(beta_schedule=
// "scaled_linear", beta_start=0.00085, beta_end=0.012, timestep_spacing="leading", steps_offset=1,
// set_alpha_to_one=False, clip_sample=False). A1111's DDIM has the same levels but leaves out the last step.
#include <algorithm>
#include <cmath>

#include "diffusion/samplers.h"
#include "diffusion/weighted_sum.h"

namespace safelight {
namespace {

class Ddim : public Sampler {
 public:
  std::vector<double> levels(const NoiseSchedule& schedule, Spacing spacing, int steps) const override {
    check_steps(schedule, steps);
    if (spacing == Spacing::karras)
      fail(ErrorCategory::usage,
           "[ddim] expected the schedule automatic or normal, as DDIM has its own steps; found {}",
           info(spacing).names.name);
    const int stride = schedule.train_steps() / steps;
    std::vector<double> sigmas;
    // Step 1000 does not exist: with 1000 steps, the first is cut to 999 and changes nothing.
    for (int i = steps - 1; i >= 0; --i)
      sigmas.push_back(schedule.sigma(std::min(i * stride + 1, schedule.train_steps() - 1)));
    sigmas.push_back(schedule.sigma_min());
    return sigmas;
  }

  double start_scale(double /*sigma*/) const override { return 1; }
  double form(double sigma) const override { return 1 / std::hypot(1, sigma); }

  Tensor step(const Tensor& x, const Step& step, const Denoiser& denoiser, const NoiseSource& /*noise*/) override {
    const double next_root_a = 1 / std::hypot(1, step.next()), next_root_b = step.next() * next_root_a;
    const auto [x0, n] = denoiser.split(x, step.sigma());
    return weighted_sum(next_root_a, x0, next_root_b, n);
  }
};

}  // namespace

std::unique_ptr<Sampler> make_ddim() { return std::make_unique<Ddim>(); }

}  // namespace safelight

// How much noise a latent diffusion model has seen at each of its training steps, and the noise levels that a picture
// is sampled at.
//
// A noisy latent is  x = x0 + sigma * n  (n of unit variance): the variance-exploding form of Karras et al. 2022, used
// by every sampler here but DDIM. The network itself takes the variance-preserving form  x / sqrt(1 + sigma^2).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/name_table.h"

namespace safelight {

// The schedule of SD 1.x: 1000 steps, betas "scaled linear" (their square roots are evenly spaced) from 0.00085 to
// 0.012. A value; every member is const and safe to call from several threads.
class NoiseSchedule {
 public:
  NoiseSchedule();

  int train_steps() const noexcept { return static_cast<int>(alphas_cumprod_.size()); }

  // Product of (1 - beta) up to step t: the share of the picture in the variance. REQUIRES: 0 <= t < train_steps().
  double alpha_cumprod(int t) const { return alphas_cumprod_.at(static_cast<std::size_t>(t)); }

  // sqrt((1 - alpha_cumprod) / alpha_cumprod) at step t; between steps, linear in log sigma. t is clamped to the table.
  double sigma(double t) const;

  // The inverse of sigma(). Clamped to [0, train_steps() - 1].
  double timestep(double sigma) const;

  double sigma_min() const { return sigma(0); }                  // 0.0292
  double sigma_max() const { return sigma(train_steps() - 1); }  // 14.6146

 private:
  std::vector<double> alphas_cumprod_;
  std::vector<double> log_sigmas_;  // rising
};

// How the noise levels of a picture are spaced.
enum class Spacing {
  automatic,  // what the sampler's inventors or A1111 pair it with: Sampler::default_spacing
  normal,     // evenly in the training step, from the last step to the first (A1111: Uniform, Normal)
  karras,     // evenly in sigma^(1/7), from sigma_max to sigma_min (Karras et al. 2022, eq. 5, rho = 7)
};

struct SpacingInfo {
  Spacing spacing;
  Names names;
};
std::span<const SpacingInfo> spacings() noexcept;
const SpacingInfo& info(Spacing spacing) noexcept;

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
Spacing parse_spacing(std::string_view name);

// The falling levels sigma_0 .. sigma_steps of a picture; the last is 0. Throws Error(usage) unless
// 1 <= steps <= train_steps(). REQUIRES: spacing is not automatic.
// Exactly k-diffusion's get_sigmas(n) and get_sigmas_karras(n, sigma_min, sigma_max): one step starts at sigma_max.
std::vector<double> noise_levels(const NoiseSchedule& schedule, Spacing spacing, int steps);

// Throws Error(usage) unless 1 <= steps <= schedule.train_steps().
void check_steps(const NoiseSchedule& schedule, int steps);

}  // namespace safelight

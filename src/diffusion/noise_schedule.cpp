#include "diffusion/noise_schedule.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

namespace safelight {
namespace {

constexpr int kTrainSteps = 1000;
constexpr double kBetaStart = 0.00085, kBetaEnd = 0.012;
constexpr double kRho = 7;

constexpr std::array<std::string_view, 1> kNormalAliases{"uniform"};
constexpr std::array<SpacingInfo, 3> kSpacings{{
    {Spacing::automatic, {"automatic", "Automatic"}},
    {Spacing::normal, {"normal", "Normal", kNormalAliases}},
    {Spacing::karras, {"karras", "Karras"}},
}};

// The i-th of n values evenly spaced from first to last; the first alone if n is 1.
double evenly_spaced(double first, double last, int i, int n) {
  return n == 1 ? first : first + (last - first) * i / (n - 1);
}

// The last becomes the smallest number that is not quite 0, the first stays.
void rescale_to_zero_terminal_snr(std::vector<double>& alphas_cumprod) {
  const double first = std::sqrt(alphas_cumprod.front()), last = std::sqrt(alphas_cumprod.back());
  for (double& a : alphas_cumprod) {
    const double root = (std::sqrt(a) - last) * first / (first - last);
    a = root * root;
  }
  alphas_cumprod.back() = 0x1p-24;
}

}  // namespace

NoiseSchedule::NoiseSchedule(bool zero_terminal_snr) {
  double product = 1;
  for (int t = 0; t < kTrainSteps; ++t) {
    const double root = evenly_spaced(std::sqrt(kBetaStart), std::sqrt(kBetaEnd), t, kTrainSteps);
    product *= 1 - root * root;
    alphas_cumprod_.push_back(product);
  }
  if (zero_terminal_snr) rescale_to_zero_terminal_snr(alphas_cumprod_);
  for (const double a : alphas_cumprod_) log_sigmas_.push_back(0.5 * std::log((1 - a) / a));
}

double NoiseSchedule::sigma(double t) const {
  t = std::clamp(t, 0.0, static_cast<double>(train_steps() - 1));
  const auto low = std::min(static_cast<std::size_t>(t), log_sigmas_.size() - 2);
  const double w = t - static_cast<double>(low);
  return std::exp((1 - w) * log_sigmas_[low] + w * log_sigmas_[low + 1]);
}

double NoiseSchedule::timestep(double sigma) const {
  const double wanted = std::log(std::max(sigma, 1e-10));
  const auto above = std::upper_bound(log_sigmas_.begin() + 1, log_sigmas_.end() - 1, wanted);
  const auto high = static_cast<std::size_t>(above - log_sigmas_.begin());
  const double w = (wanted - log_sigmas_[high - 1]) / (log_sigmas_[high] - log_sigmas_[high - 1]);
  return static_cast<double>(high - 1) + std::clamp(w, 0.0, 1.0);
}

std::span<const SpacingInfo> spacings() noexcept { return kSpacings; }

const SpacingInfo& info(Spacing spacing) noexcept { return kSpacings[static_cast<std::size_t>(spacing)]; }

Spacing parse_spacing(std::string_view name) {
  const SpacingInfo* row = find_by_name(spacings(), name);
  if (!row) fail_unknown_name("schedule", spacings(), name);
  return row->spacing;
}

void check_steps(const NoiseSchedule& schedule, int steps) {
  if (steps < 1 || steps > schedule.train_steps())
    fail(ErrorCategory::usage, "[steps] expected 1 to {}, the steps the model was trained on; found {}",
         schedule.train_steps(), steps);
}

std::vector<double> noise_levels(const NoiseSchedule& schedule, Spacing spacing, int steps) {
  assert(spacing != Spacing::automatic);
  check_steps(schedule, steps);
  std::vector<double> sigmas;
  for (int i = 0; i < steps; ++i) {
    if (spacing == Spacing::karras) {
      const double root =
          evenly_spaced(std::pow(schedule.sigma_max(), 1 / kRho), std::pow(schedule.sigma_min(), 1 / kRho), i, steps);
      sigmas.push_back(std::pow(root, kRho));
    } else {
      sigmas.push_back(schedule.sigma(evenly_spaced(schedule.train_steps() - 1, 0, i, steps)));
    }
  }
  sigmas.push_back(0);
  return sigmas;
}

}  // namespace safelight

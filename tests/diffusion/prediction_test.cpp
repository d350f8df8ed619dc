// Networks that predict v, with and without zero terminal SNR, against diffusers' schedulers:
// tests/golden/diffusion.py.
#include <gtest/gtest.h>

#include "diffusion/samplers.h"
#include "diffusion/weighted_sum.h"
#include "golden.h"

namespace safelight {
namespace {

Tensor toy_model(const Tensor& x, float t) {
  Tensor v = Tensor::allocate(DType::F32, x.shape());
  for (std::size_t i = 0; i < x.floats().size(); ++i)
    v.mutable_floats()[i] = std::tanh(0.7f * x.floats()[i] + std::sin(t / 100));
  return v;
}

TEST(ZeroTerminalSnr, HasDiffusersAlphas) {
  const NoiseSchedule schedule(true);
  const std::vector<float> expected = golden(golden_file("predictions"), "v, zero terminal SNR, alphas_cumprod");
  for (int t = 0; t < schedule.train_steps(); ++t)
    EXPECT_NEAR(schedule.alpha_cumprod(t), static_cast<double>(expected[static_cast<std::size_t>(t)]), 1e-6) << t;
  EXPECT_EQ(schedule.alpha_cumprod(999), 0x1p-24);  // diffusers' too, so that sigma is finite
  EXPECT_NEAR(schedule.sigma_max(), 4096, 1e-3);
  EXPECT_EQ(schedule.sigma_min(), NoiseSchedule().sigma_min());
  for (int t = 0; t < 1000; ++t)
    EXPECT_EQ(static_cast<float>(schedule.timestep(schedule.sigma(t))), static_cast<float>(t));
}

// All samplers in all spacings; in normal spacing four steps are whole training steps.
TEST(Predictions, OfVEndWhereDiffusersEnds) {
  const SafeTensors file = golden_file("predictions");
  const std::vector<float> noises = golden(file, "noises");
  double worst_v = 0, worst_zero_snr = 0;
  for (const bool zero_terminal_snr : {false, true}) {
    const NoiseSchedule schedule(zero_terminal_snr);
    for (const SamplerInfo& info : samplers())
      for (const Spacing spacing : {Spacing::normal, Spacing::karras}) {
        if (info.make == make_ddim && spacing == Spacing::karras) continue;
        const std::string key = std::string(zero_terminal_snr ? "v, zero terminal SNR, " : "v, ") +
                                std::string(info.names.name) + " " + std::string(safelight::info(spacing).names.name);
        const auto sampler = info.make();
        const std::vector<double> levels = sampler->levels(schedule, spacing, 4);
        const Tensor start = scaled(to_f32(file.tensor("start")), sampler->start_scale(levels.front()));
        std::size_t drawn = 0;
        const auto noise = [&] { return Tensor::from(std::span(noises).subspan(256 * drawn++, 256), start.shape()); };
        const Tensor end = sample(*sampler, levels, start, Denoiser(schedule, toy_model, Prediction::v), noise, {});
        // From a sigma of 4096, diffusers' Euler takes differences of large numbers in single precision.
        const double off = relative_difference(end.floats(), golden(file, key));
        EXPECT_LE(off, zero_terminal_snr ? 3e-4 : 1e-5) << key;
        double& worst = zero_terminal_snr ? worst_zero_snr : worst_v;
        worst = std::max(worst, off);
      }
  }
  RecordProperty("worst_v", std::to_string(worst_v));
  RecordProperty("worst_zero_snr", std::to_string(worst_zero_snr));
}

// v is a rotation of noise and picture: a model that knows both gives both back, at any level of noise.
TEST(Predictions, OfVAreTakenApart) {
  const NoiseSchedule schedule(true);
  const Tensor x0 = Tensor::from(std::vector<float>{-1.5f, 0, 0.25f, 3}, {1, 1, 1, 4});
  const Tensor n = Tensor::from(std::vector<float>{0.5f, -2, 1, 0.125f}, {1, 1, 1, 4});
  for (const double sigma : {schedule.sigma_min(), 1.0, schedule.sigma_max()}) {
    const double root_a = 1 / std::hypot(1, sigma), root_b = sigma * root_a;
    const Denoiser denoiser(
        schedule, [&](const Tensor&, float) { return weighted_sum(root_a, n, -root_b, x0); }, Prediction::v);
    const Split parts = denoiser.split(weighted_sum(root_a, x0, root_b, n), sigma);
    EXPECT_LE(max_difference(parts.x0.floats(), x0.floats()), 1e-6) << sigma;
    EXPECT_LE(max_difference(parts.noise.floats(), n.floats()), 1e-6) << sigma;
    const Tensor denoised = denoiser.denoised(weighted_sum(1, x0, sigma, n), sigma);
    EXPECT_LE(max_difference(denoised.floats(), x0.floats()), 1e-6) << sigma;
  }
}

}  // namespace
}  // namespace safelight

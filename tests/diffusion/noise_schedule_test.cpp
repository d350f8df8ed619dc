// Noise levels and training steps against diffusers.
#include "diffusion/noise_schedule.h"

#include <gtest/gtest.h>

#include "diffusion/samplers.h"
#include "golden.h"

namespace safelight {
namespace {

std::vector<float> floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

// The training steps that the network sees at all levels but the last.
std::vector<float> timesteps(const NoiseSchedule& schedule, const std::vector<double>& levels) {
  std::vector<float> steps;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) steps.push_back(static_cast<float>(schedule.timestep(levels[i])));
  return steps;
}

double worst_ratio(const std::vector<float>& ours, const std::vector<float>& golden) {
  EXPECT_EQ(ours.size(), golden.size());
  double worst = 0;
  for (std::size_t i = 0; i < std::min(ours.size(), golden.size()); ++i)
    if (ours[i] != golden[i]) worst = std::max(worst, std::abs(static_cast<double>(ours[i]) / golden[i] - 1));
  return worst;
}

TEST(NoiseSchedule, HasTheAlphasOfStableDiffusion) {
  const NoiseSchedule schedule;
  std::vector<float> ours;
  for (int t = 0; t < schedule.train_steps(); ++t) ours.push_back(static_cast<float>(schedule.alpha_cumprod(t)));
  // Diffusers multiplies a thousand factors in single precision, which alone differs by 1e-6.
  EXPECT_LE(worst_ratio(ours, golden(golden_file("schedule"), "alphas_cumprod")), 3e-6);
  EXPECT_NEAR(schedule.sigma_min(), 0.0292, 5e-5);
  EXPECT_NEAR(schedule.sigma_max(), 14.6146, 5e-5);
}

TEST(NoiseSchedule, SigmaAndTimestepAreInverse) {
  const NoiseSchedule schedule;
  for (double t = 0; t <= 999; t += 0.125) EXPECT_NEAR(schedule.timestep(schedule.sigma(t)), t, 1e-9);
  for (int t = 0; t < 1000; ++t)  // whole steps reach the network as whole numbers
    EXPECT_EQ(static_cast<float>(schedule.timestep(schedule.sigma(t))), static_cast<float>(t));
}

TEST(NoiseSchedule, IsClampedOutsideTheTable) {
  const NoiseSchedule schedule;
  EXPECT_EQ(schedule.sigma(-5), schedule.sigma_min());
  EXPECT_EQ(schedule.sigma(5000), schedule.sigma_max());
  EXPECT_EQ(schedule.timestep(0), 0);
  EXPECT_EQ(schedule.timestep(1e-3), 0);
  EXPECT_EQ(schedule.timestep(1e6), 999);
}

TEST(NoiseLevels, EqualDiffusers) {
  const SafeTensors file = golden_file("schedule");
  const NoiseSchedule schedule;
  for (const Spacing spacing : {Spacing::normal, Spacing::karras})
    for (const int steps : {1, 2, 3, 10, 25, 50}) {
      const std::string key = std::string(info(spacing).names.name) + " " + std::to_string(steps);
      const std::vector<double> levels = noise_levels(schedule, spacing, steps);
      // Between training steps diffusers draws a straight line in sigma, k-diffusion and we in log sigma: 7.5e-5
      // apart at 50 steps. Its Karras timesteps come from logarithms in single precision.
      EXPECT_LE(worst_ratio(floats(levels), golden(file, key + " sigmas")), 1e-4) << key;
      EXPECT_LE(max_difference(timesteps(schedule, levels), golden(file, key + " timesteps")), 2e-3) << key;
    }
}

TEST(NoiseLevels, OfDdimEqualDiffusers) {
  const SafeTensors file = golden_file("schedule");
  const NoiseSchedule schedule;
  for (const int steps : {1, 2, 3, 7, 10, 25, 30, 600, 999}) {
    const std::vector<double> levels = make_ddim()->levels(schedule, Spacing::automatic, steps);
    EXPECT_EQ(timesteps(schedule, levels), golden(file, "ddim " + std::to_string(steps) + " timesteps")) << steps;
    EXPECT_EQ(levels.back(), schedule.sigma_min());
  }
}

TEST(NoiseLevels, FallFromTheFirstToTheLastForAnyNumberOfSteps) {
  const NoiseSchedule schedule;
  for (const SamplerInfo& row : samplers())
    for (const Spacing spacing : {Spacing::automatic, Spacing::normal, Spacing::karras})
      for (const int steps : {1, 2, 17, 500, 501, 999, 1000}) {
        if (row.make == make_ddim && spacing == Spacing::karras) continue;
        const std::vector<double> levels = row.make()->levels(schedule, spacing, steps);
        ASSERT_EQ(levels.size(), static_cast<std::size_t>(steps) + 1);
        EXPECT_TRUE(std::ranges::is_sorted(levels, std::greater{})) << row.names.name << steps;
        if (row.make == make_ddim) continue;
        EXPECT_NEAR(levels.front(), schedule.sigma_max(), 1e-9);
        EXPECT_EQ(levels.back(), 0);
        if (steps == 1) continue;
        EXPECT_NEAR(levels[levels.size() - 2], schedule.sigma_min(), 1e-9);
      }
}

TEST(NoiseLevels, RefuseStepsTheModelWasNotTrainedOn) {
  const NoiseSchedule schedule;
  for (const SamplerInfo& row : samplers())
    for (const int steps : {-1, 0, 1001, 2147483647}) {
      try {
        row.make()->levels(schedule, Spacing::automatic, steps);
        FAIL() << row.names.name << " accepted " << steps;
      } catch (const Error& error) {
        EXPECT_EQ(error.category(), ErrorCategory::usage);
        EXPECT_EQ(std::string(error.what()),
                  "[steps] expected 1 to 1000, the steps the model was trained on; found " + std::to_string(steps));
      }
    }
}

TEST(SpacingNames, ParseAndRefuse) {
  EXPECT_EQ(parse_spacing("Karras"), Spacing::karras);
  EXPECT_EQ(parse_spacing("KARRAS"), Spacing::karras);
  EXPECT_EQ(parse_spacing("normal"), Spacing::normal);
  EXPECT_EQ(parse_spacing("Uniform"), Spacing::normal);
  EXPECT_EQ(parse_spacing("Automatic"), Spacing::automatic);
  for (const SpacingInfo& row : spacings()) EXPECT_EQ(&info(row.spacing), &row);
  try {
    parse_spacing("");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), ErrorCategory::usage);
    EXPECT_STREQ(error.what(), "[schedule] expected one of Automatic, Normal, Karras, found ''");
  }
}

}  // namespace
}  // namespace safelight

// Samplers against diffusers' schedulers (configured as tests/golden/diffusion.py says), and the loop around them.
#include "diffusion/samplers.h"

#include <gtest/gtest.h>

#include "diffusion/weighted_sum.h"
#include "golden.h"

namespace safelight {
namespace {

// The model of the golden script.
Tensor toy_model(const Tensor& x, float t) {
  Tensor noise = Tensor::allocate(DType::F32, x.shape());
  for (std::size_t i = 0; i < x.floats().size(); ++i)
    noise.mutable_floats()[i] = std::tanh(0.7f * x.floats()[i] + std::sin(t / 100));
  return noise;
}

// Everything one picture needs, with the golden's start and step noise.
struct Picture {
  Picture(const SamplerInfo& info, Spacing spacing, int steps)
      : sampler(info.make()),
        levels(sampler->levels(schedule, spacing, steps)),
        x(scaled(to_f32(file.tensor("start")), sampler->start_scale(levels.front()))),
        noises(golden(file, "noises")) {}

  Tensor operator()(const Context& context = {}, const std::function<void(const StepReport&)>& on_step = {}) {
    const auto next_noise = [this] {
      const auto size = static_cast<std::size_t>(x.elements());
      return Tensor::from(std::span(noises).subspan(size * drawn++, size), x.shape());
    };
    return sample(*sampler, levels, x, Denoiser(schedule, toy_model), next_noise, context, on_step);
  }

  SafeTensors file = golden_file("samplers");
  NoiseSchedule schedule;
  std::unique_ptr<Sampler> sampler;
  std::vector<double> levels;
  Tensor x;
  std::vector<float> noises;
  std::size_t drawn = 0;
};

bool has_spacing(const SamplerInfo& info, Spacing spacing) {
  return info.make != make_ddim || spacing == Spacing::normal;
}

std::string key(const SamplerInfo& info, Spacing spacing, int steps) {
  return std::string(info.names.name) + " " + std::string(safelight::info(spacing).names.name) + " " +
         std::to_string(steps);
}

TEST(Samplers, EndWhereDiffusersEnds) {
  for (const SamplerInfo& info : samplers())
    for (const Spacing spacing : {Spacing::normal, Spacing::karras})
      for (const int steps : {1, 2, 3, 10, 25}) {
        if (!has_spacing(info, spacing)) continue;
        Picture picture(info, spacing, steps);
        const Tensor ours = picture();
        const std::vector<float> trace = golden(picture.file, key(info, spacing, steps));
        EXPECT_LE(relative_difference(ours.floats(), std::span(trace).last(256)), 1e-5) << key(info, spacing, steps);
      }
}

TEST(Samplers, PassThroughDiffusersLatents) {
  for (const SamplerInfo& info : samplers())
    for (const Spacing spacing : {Spacing::normal, Spacing::karras}) {
      if (!has_spacing(info, spacing)) continue;
      Picture picture(info, spacing, 10);
      const std::vector<float> trace = golden(picture.file, key(info, spacing, 10));
      int reports = 0;
      const Tensor last = picture({}, [&](const StepReport& report) {
        const auto step = static_cast<std::size_t>(reports++);
        EXPECT_EQ(report.done, reports);
        EXPECT_EQ(report.steps, 10);
        EXPECT_EQ(report.sigma, picture.levels[step + 1]);
        EXPECT_LE(relative_difference(report.latents.floats(), std::span(trace).subspan(step * 256, 256)), 1e-5)
            << key(info, spacing, 10) << " step " << step;
      });
      EXPECT_EQ(reports, 10);
      EXPECT_LE(relative_difference(last.floats(), std::span(trace).last(256)), 1e-5);
    }
}

TEST(Samplers, AskForNoiseOnlyWhereTheyAddIt) {
  for (const SamplerInfo& info : samplers()) {
    Picture picture(info, Spacing::automatic, 10);
    picture();
    EXPECT_EQ(picture.drawn, info.make == make_euler_ancestral ? 9u : 0u) << info.names.name;
  }
}

TEST(Samplers, AreReusable) {
  for (const SamplerInfo& info : samplers()) {
    Picture picture(info, Spacing::automatic, 7);
    const Tensor first = picture();
    picture.drawn = 0;
    EXPECT_TRUE(std::ranges::equal(first.floats(), picture().floats())) << info.names.name;
  }
}

TEST(Samplers, RecoverALatentFromAModelThatKnowsIt) {
  // A perfect model leaves exactly its picture, after any number of steps; DDIM ends at the noise of training step 0.
  const NoiseSchedule schedule;
  const Tensor picture = Tensor::from(std::vector<float>{-1.5f, 0, 0.25f, 3}, {1, 1, 1, 4});
  for (const SamplerInfo& info : samplers())
    for (const int steps : {1, 5, 1000}) {
      const auto sampler = info.make();
      const std::vector<double> levels = sampler->levels(schedule, Spacing::automatic, steps);
      const Denoiser denoiser(schedule, [&](const Tensor& x, float t) {
        const double sigma = schedule.sigma(static_cast<double>(t));
        return weighted_sum(std::sqrt(1 + sigma * sigma) / sigma, x, -1 / sigma, picture);
      });
      const Tensor ones = Tensor::from(std::vector<float>(4, 1), {1, 1, 1, 4});
      const Tensor start = info.make == make_ddim ? weighted_sum(1 / std::hypot(1, levels[0]), picture,
                                                                 levels[0] / std::hypot(1, levels[0]), ones)
                                                  : weighted_sum(1, picture, levels[0], ones);
      const Tensor end = sample(*sampler, levels, start, denoiser, [&] { return ones; }, {});
      const double tolerance = info.make == make_ddim ? 0.031 : 2e-3;
      EXPECT_LE(max_difference(end.floats(), picture.floats()), tolerance) << info.names.name << " " << steps;
    }
}

TEST(Sampling, ReportsProgressAndStopsWhenCancelled) {
  CancelToken cancel;
  std::vector<std::int64_t> done;
  Context context;
  context.cancel = &cancel;
  context.on_progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.stage, "step");
    EXPECT_EQ(progress.total, 10);
    done.push_back(progress.done);
    if (progress.done == 3) cancel.cancel();
  };
  Picture picture(samplers()[0], Spacing::normal, 10);
  try {
    picture(context);
    FAIL() << "not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), ErrorCategory::cancelled);
  }
  EXPECT_EQ(done, (std::vector<std::int64_t>{1, 2, 3}));
}

TEST(Sampling, RefusesAModelThatAnswersAnotherShape) {
  const NoiseSchedule schedule;
  const Tensor x = Tensor::from(std::vector<float>(4, 1), {1, 1, 1, 4});
  const Denoiser denoiser(schedule, [&](const Tensor&, float) { return x.reshaped({4}); });
  try {
    denoiser.split(x, 1);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), ErrorCategory::model);
  }
}

TEST(SamplerNames, OfOtherProgramsAreUnderstood) {
  const auto expect = [](std::string_view name, std::string_view ours, Spacing spacing) {
    const SamplerChoice choice = parse_sampler(name);
    EXPECT_EQ(choice.sampler->names.name, ours) << name;
    EXPECT_EQ(choice.spacing, spacing) << name;
  };
  for (const auto* name : {"Euler", "euler", "k_euler", "EULER"}) expect(name, "euler", Spacing::automatic);
  for (const auto* name : {"Euler a", "euler_a", "k_euler_a", "euler_ancestral", "Euler-A"})
    expect(name, "euler_a", Spacing::automatic);
  for (const auto* name : {"DDIM", "ddim"}) expect(name, "ddim", Spacing::automatic);
  for (const auto* name : {"DPM++ 2M", "dpm++2m", "dpmpp_2m", "k_dpmpp_2m"})
    expect(name, "dpmpp_2m", Spacing::automatic);
  for (const auto* name : {"DPM++ 2M Karras", "dpm++ 2m karras", "k_dpmpp_2m_ka", "dpmpp_2m_karras"})
    expect(name, "dpmpp_2m", Spacing::karras);
  expect("Euler a Karras", "euler_a", Spacing::karras);
}

TEST(SamplerNames, AreUnique) {
  for (const SamplerInfo& row : samplers()) {
    EXPECT_EQ(parse_sampler(row.names.name).sampler, &row);
    EXPECT_EQ(parse_sampler(row.names.label).sampler, &row);
    for (const std::string_view alias : row.names.aliases) EXPECT_EQ(parse_sampler(alias).sampler, &row);
  }
}

TEST(SamplerNames, UnknownOnesAreRefusedWithTheList) {
  for (const auto* name : {"DPM++ 3M", "", "karras", "ka", "Euler aa"}) {
    try {
      parse_sampler(name);
      ADD_FAILURE() << "accepted " << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), ErrorCategory::usage);
      EXPECT_EQ(std::string(error.what()),
                "[sampler] expected one of Euler, Euler a, DDIM, DPM++ 2M, found '" + std::string(name) + "'");
    }
  }
}

TEST(Ddim, HasNoKarrasSpacing) {
  try {
    make_ddim()->levels(NoiseSchedule(), Spacing::karras, 20);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), ErrorCategory::usage);
    EXPECT_STREQ(error.what(),
                 "[ddim] expected the schedule automatic or normal, as DDIM has its own steps; found karras");
  }
}

TEST(Dpmpp2m, IsKarrasUnlessToldOtherwise) {
  const NoiseSchedule schedule;
  EXPECT_EQ(make_dpmpp_2m()->levels(schedule, Spacing::automatic, 20), noise_levels(schedule, Spacing::karras, 20));
  EXPECT_EQ(make_euler()->levels(schedule, Spacing::automatic, 20), noise_levels(schedule, Spacing::normal, 20));
}

}  // namespace
}  // namespace safelight

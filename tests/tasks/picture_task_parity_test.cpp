// The tasks that start from pictures, against diffusers' pipelines on the same random weights
// (tests/golden/picture_tasks.py).
#include <algorithm>
#include <tuple>

#include "tasks/picture_tasks.h"

namespace safelight::test {
namespace {

constexpr double kLatents = 1e-4;  // relative; up to 2.5e-5 is measured

class PictureTaskParity : public PictureTasks {
 protected:
  static GenerateOptions options(const std::string& sampler, const std::string& schedule) {
    return {.prompt = "a red house by a lake, at night",
            .negative_prompt = "rain, fog",
            .steps = 6,
            .cfg = 7,
            .sampler = sampler,
            .schedule = schedule,
            .seed = 20,
            .rng = "cpu"};
  }

  void expect_golden(const Made& made, const std::string& name) {
    const Tensor golden_latents = golden().tensor(name);
    const std::span<const float> all = golden_latents.floats();
    ASSERT_EQ(static_cast<std::int64_t>(made.latents.size()), golden_latents.dim(0)) << name;
    const std::size_t size = all.size() / made.latents.size();
    double worst = 0;
    for (std::size_t step = 0; step < made.latents.size(); ++step)
      worst = std::max(worst, relative(made.latents[step], all.subspan(step * size, size)));
    EXPECT_LT(worst, kLatents) << name;
    worst_ = std::max(worst, worst_);
    RecordProperty("worst_relative_in_billionths", std::to_string(std::lround(worst_ * 1e9)));
  }

 private:
  double worst_ = 0;
};

TEST_F(PictureTaskParity, Transform) {
  for (const auto& [sampler, schedule, strength, name] :
       {std::tuple{"euler", "karras", 0.75, "transform euler karras 0.75"},
        {"euler_a", "normal", 0.5, "transform euler_a normal 0.5"},
        {"ddim", "normal", 0.75, "transform ddim normal 0.75"},
        {"dpmpp_2m", "karras", 1.0, "transform dpmpp_2m karras 1.0"}})
    expect_golden(made(model(), TransformOptions{.generate = options(sampler, schedule),
                                                 .picture = golden_picture(),
                                                 .strength = strength,
                                                 .encoder_noise = golden().tensor("encoder_noise")}),
                  name);
}

TEST_F(PictureTaskParity, Edit) {
  for (const std::string sampler : {"euler", "ddim"})
    expect_golden(
        made(model(8),
             EditPictureOptions{.generate = options(sampler, "normal"), .picture = golden_picture(), .image_cfg = 1.5}),
        "edit " + sampler + " normal 1.0");
}

TEST_F(PictureTaskParity, InpaintWithAnyModel) {
  for (const auto& [sampler, schedule, strength, name] :
       {std::tuple{"euler", "karras", 1.0, "inpaint4 euler karras 1.0"},
        {"ddim", "normal", 1.0, "inpaint4 ddim normal 1.0"},
        {"euler", "normal", 0.5, "inpaint4 euler normal 0.5"},
        {"ddim", "normal", 0.75, "inpaint4 ddim normal 0.75"}})
    expect_golden(made(model(), InpaintOptions{.generate = options(sampler, schedule),
                                               .picture = golden_picture(),
                                               .mask = golden_mask("mask"),
                                               .strength = strength}),
                  name);
}

TEST_F(PictureTaskParity, InpaintWithAModelMadeForIt) {
  for (const auto& [sampler, schedule, strength, name] :
       {std::tuple{"euler", "karras", 1.0, "inpaint9 euler karras 1.0"},
        {"ddim", "normal", 0.75, "inpaint9 ddim normal 0.75"}})
    expect_golden(made(model(9), InpaintOptions{.generate = options(sampler, schedule),
                                                .picture = golden_picture(),
                                                .mask = golden_mask("soft_mask"),
                                                .strength = strength}),
                  name);
}

TEST_F(PictureTaskParity, ThePicturesLatentsAreTheEncodersMean) {
  TransformOptions wanted{.generate = small(), .picture = golden_picture(), .strength = 0.5};
  std::vector<float> latents;
  wanted.generate.inspect = [&](const Snapshot& s) {
    if (s.name == "picture_latents") latents.assign(s.tensor.floats().begin(), s.tensor.floats().end());
  };
  transform(model(), wanted, [](const GeneratedPicture&) {});
  ASSERT_FALSE(latents.empty());
  EXPECT_LT(relative(latents, golden().tensor("mean").floats()), 1e-5);
}

}  // namespace
}  // namespace safelight::test

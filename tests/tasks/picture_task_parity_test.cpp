// The tasks that start from pictures, against diffusers' pipelines on the same random weights
// (tests/golden/picture_tasks.py; of the families beyond Stable Diffusion 1, tests/golden/family_tasks.py).
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "tasks/picture_tasks.h"

namespace safelight::test {
namespace {

constexpr double kLatents = 1e-4;        // relative; up to 2.5e-5 is measured, where steps lie between training steps
constexpr double kFamilyLatents = 3e-5;  // up to 5.6e-6

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

  void expect_golden(const Made& made, const std::string& name, const SafeTensors& file = golden(),
                     double bound = kLatents) {
    const Tensor golden_latents = file.tensor(name);
    const std::span<const float> all = golden_latents.floats();
    ASSERT_EQ(static_cast<std::int64_t>(made.latents.size()), golden_latents.dim(0)) << name;
    const std::size_t size = all.size() / made.latents.size();
    double worst = 0;
    for (std::size_t step = 0; step < made.latents.size(); ++step)
      worst = std::max(worst, relative(made.latents[step], all.subspan(step * size, size)));
    EXPECT_LT(worst, bound) << name;
    std::string key = name;
    std::ranges::replace(key, ' ', '_');
    RecordProperty(key, fmt::format("{:.1e}", worst));
  }

  // Of the other families: four steps.
  static GenerateOptions of_family(const std::string& sampler = "euler", const MicroConditioning& micro = {}) {
    GenerateOptions wanted = options(sampler, "normal");
    wanted.steps = 4;
    wanted.micro = micro;
    return wanted;
  }
  void expect_family(const Made& made, const std::string& name) {
    static const SafeTensors file =
        SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/tasks/family_tasks.safetensors");
    expect_golden(made, name, file, kFamilyLatents);
  }
  static TransformOptions over_picked(const GenerateOptions& generate, double strength) {
    return {.generate = generate,
            .picture = golden_picture(),
            .strength = strength,
            .encoder_noise = golden().tensor("encoder_noise")};
  }
  static InpaintOptions under(const std::string& mask, const GenerateOptions& generate, double strength = 1) {
    return {.generate = generate, .picture = golden_picture(), .mask = golden_mask(mask), .strength = strength};
  }
  static EditPictureOptions instructed(const MicroConditioning& micro = {}) {
    return {.generate = of_family("euler", micro), .picture = golden_picture(), .image_cfg = 1.5};
  }
};

// diffusers' order is height, width and top, left.
const MicroConditioning kSizes{.original_size = PictureSize{.width = 500, .height = 700},
                               .crop = PictureCorner{.left = 8, .top = 16}};

MicroConditioning with_target() {
  MicroConditioning sizes = kSizes;
  sizes.target_size = PictureSize{.width = 900, .height = 1024};
  return sizes;
}

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

// What is blended and added noise to must not depend on what the UNet predicts; its inpainting models predict noise.
TEST_F(PictureTaskParity, StableDiffusion2) {
  const std::string layout = "tiny-sd21";
  Model& v = model(4, layout, {.prediction = "v"});
  expect_family(made(v, over_picked(of_family(), 0.75)), "sd2 transform euler normal 0.75");
  expect_family(made(v, under("mask", of_family())), "sd2 inpaint4 euler normal 1.0");
  expect_family(made(v, under("mask", of_family("ddim"), 0.75)), "sd2 inpaint4 ddim normal 0.75");
  expect_family(made(model(9, layout), under("soft_mask", of_family())), "sd2 inpaint9 euler normal 1.0");
}

// Every answer is told the sizes; the picture to edit is seen unscaled, as by models that diffusers' script trained.
TEST_F(PictureTaskParity, StableDiffusionXl) {
  const std::string layout = "tiny-sdxl";
  Model& xl = model(4, layout);
  expect_family(made(xl, over_picked(of_family("euler", with_target()), 0.75)), "sdxl transform euler normal 0.75");
  expect_family(made(xl, under("mask", of_family())), "sdxl inpaint4 euler normal 1.0");
  expect_family(made(xl, under("mask", of_family("ddim"), 0.75)), "sdxl inpaint4 ddim normal 0.75");
  expect_family(made(model(9, layout), under("soft_mask", of_family())), "sdxl inpaint9 euler normal 1.0");
  expect_family(made(model(8, layout), instructed(with_target())), "sdxl edit euler normal 1.0");
}

TEST_F(PictureTaskParity, TheRefiner) {
  MicroConditioning scored = kSizes;
  scored.aesthetic_score = 7.5;
  scored.negative_aesthetic_score = 1.5;
  Model& refiner = model(4, "tiny-refiner");
  expect_family(made(refiner, over_picked(of_family("euler", scored), 0.5)), "refiner transform euler normal 0.5");
  expect_family(made(refiner, under("mask", of_family(), 0.75)), "refiner inpaint4 euler normal 0.75");
}

}  // namespace
}  // namespace safelight::test

// Whole pictures of the families beyond Stable Diffusion 1 against diffusers' pipelines on the same random weights:
// tests/golden/families.py.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "models/model_files.h"
#include "models/random_checkpoint.h"
#include "safelight/generate.h"
#include "safelight/safetensors.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "tasks/jobs.h"
#include "tasks/model_state.h"
#include "tasks/sampling_plan.h"

namespace safelight {
namespace {

using ::testing::HasSubstr;

constexpr double kLatents = 5e-5;  // relative; 3e-6 to 5e-6 were measured
// From a sigma of 4096, diffusers' Euler takes differences of large numbers in single precision: 8.5e-5.
constexpr double kZeroSnrLatents = 5e-4;
constexpr double kPicture = 80;  // dB

const SafeTensors& golden() {
  static const SafeTensors file = SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/tasks/families.safetensors");
  return file;
}

double relative(const Tensor& got, std::span<const float> expected) {
  double difference = 0, size = 0;
  EXPECT_EQ(got.floats().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(got.floats()[i]) - expected[i], 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / size);
}

class Families : public ::testing::Test {
 protected:
  // Each is written once.
  static std::filesystem::path file(const std::string& layout) {
    static const test::TemporaryFolder folder;
    const std::filesystem::path path = folder / (layout + ".safetensors");
    if (std::filesystem::exists(path)) return path;
    const std::vector<std::byte> bytes = test::file_bytes(test::read_layout(layout));
    test::write_file(path, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    return path;
  }

  static Model open(const std::string& layout, const ModelOptions& options = {}) {
    return Model::open(file(layout), options, {.measures = false});
  }

  static GenerateOptions options() {
    return {.prompt = "a red house by a lake, at night",
            .negative_prompt = "rain, fog",
            .width = 96,
            .height = 64,
            .steps = 4,
            .cfg = 7,
            .sampler = "euler",
            .schedule = "normal",
            .seed = 20,
            .rng = "cpu"};
  }

  // Of one of the runs in families.py: the start noise that the seed makes, and what comes of it.
  static void expect_run(Model& model, GenerateOptions options, const std::string& run, double bound = kLatents) {
    int steps = 0;
    std::map<std::string, int> seen;
    options.inspect = [&](const Snapshot& s) {
      const std::string name(s.name), key = run + " " + name;
      ++seen[name];
      if (name == "start_noise") {
        EXPECT_LT(relative(s.tensor, golden().tensor(name).floats()), 1e-5);
      }
      if (name.starts_with("latents_")) {
        const std::size_t size = s.tensor.floats().size();
        const Tensor all = golden().tensor(run + " latents");
        const double off = relative(s.tensor, all.floats().subspan(static_cast<std::size_t>(steps++) * size, size));
        EXPECT_LT(off, bound) << key;
        if (steps == 4) RecordProperty(run, std::to_string(off));
      }
      if (!golden().find(key)) return;
      const Tensor expected = to_f32(golden().tensor(key));
      const double off = relative(to_f32(s.tensor), expected.floats());
      if (name == "picture") {
        EXPECT_GT(-20 * std::log10(off), kPicture) << key;
      } else {
        EXPECT_LT(off, 1e-5) << key;
      }
    };
    generate(model, options, [](const GeneratedPicture&) {});
    EXPECT_EQ(steps, 4);
    EXPECT_EQ(seen["text_vector"], golden().find(run + " text_vector") ? 1 : 0);
  }
};

TEST_F(Families, StableDiffusion2ThatPredictsV) {
  Model model = open("tiny-sd21", {.prediction = "v"});
  EXPECT_EQ(model.default_width(), 768);
  expect_run(model, options(), "sd21-v");
  Model zero_snr = open("tiny-sd21", {.prediction = "v_prediction", .zero_terminal_snr = true});
  expect_run(zero_snr, options(), "sd21-v-zero-snr", kZeroSnrLatents);
}

// Two encoders with two paddings.
TEST_F(Families, StableDiffusionXlIsToldSizesAndCrop) {
  Model model = open("tiny-sdxl");
  GenerateOptions told = options();
  told.micro = {.original_size = PictureSize{.width = 500, .height = 700},
                .crop = PictureCorner{.left = 8, .top = 16},
                .target_size = PictureSize{.width = 900, .height = 1024}};
  // diffusers' order is height, width and top, left.
  expect_run(model, told, "sdxl");
}

// In all that the text conditions.
TEST_F(Families, AnEmptyNegativePromptOfXlIsZerosInThePooledVectorToo) {
  Model model = open("tiny-sdxl");
  GenerateOptions empty = options();
  empty.negative_prompt.clear();
  expect_run(model, empty, "sdxl-empty-negative");
}

TEST_F(Families, TheRefinerReadsAnEmptyNegativePromptAndTakesScores) {
  Model model = open("tiny-refiner");
  GenerateOptions empty = options();
  empty.negative_prompt.clear();
  expect_run(model, empty, "refiner");
}

// Less than the whole: passes in turn, reused features, and a part of the steps guided, see the vector as well.
TEST_F(Families, TheVectorIsThereInEveryWayOfStepping) {
  Model model = open("tiny-sdxl");
  GenerateOptions plain = options();
  plain.steps = 2;
  plain.width = plain.height = 32;
  const auto picture = [&](const GenerateOptions& how) {
    std::vector<std::uint8_t> rgb;
    generate(model, how, [&](const GeneratedPicture& made) { rgb = made.picture.rgb; });
    return rgb;
  };
  for (const double cfg : {1.0, 7.0}) {
    GenerateOptions small = plain, large = plain;
    small.cfg = large.cfg = cfg;
    small.cache = large.cache = 2;
    small.guidance_interval = large.guidance_interval = {.from = 0.5, .to = 1};
    small.micro.original_size = PictureSize{.width = 64, .height = 64};
    EXPECT_NE(picture(small), picture(large)) << cfg;
  }
  EXPECT_GT(forecast(model, plain).passes[0].step.activation_bytes, 0u);
}

// As if it were a picture of its own: the first pass is told the small size, the second the large one.
TEST_F(Families, ASecondPassIsToldItsOwnSize) {
  Model model = open("tiny-sdxl");
  const auto last_latents = [&](const std::optional<PictureSize>& told) {
    GenerateOptions hires = options();
    hires.width = hires.height = 32;
    hires.steps = 1;
    hires.hires = HiresOptions{.scale = 2, .strength = 1};
    hires.micro = {.original_size = told, .target_size = told};
    std::map<std::string, std::vector<float>> found;
    hires.inspect = [&](const Snapshot& s) {
      if (s.name.ends_with("latents_001"))
        found[std::string(s.name)].assign(s.tensor.floats().begin(), s.tensor.floats().end());
    };
    generate(model, hires, [](const GeneratedPicture&) {});
    return found;
  };
  const auto own = last_latents({}), small = last_latents(PictureSize{.width = 32, .height = 32});
  EXPECT_EQ(own.at("latents_001"), small.at("latents_001"));
  EXPECT_NE(own.at("hires_latents_001"), small.at("hires_latents_001"));
}

TEST_F(Families, TheMemoryIsWhatWasSaidBefore) {
  Model planned = open("tiny-sdxl"), model = open("tiny-sdxl");
  GenerateOptions asked = options();
  asked.width = asked.height = 128;
  asked.steps = 1;
  const MemoryPlan plan = plan_sampling(planned.state(), asked, generate_job(planned.state(), asked)).memory;
  generate(model, asked, [](const GeneratedPicture&) {});
  const auto said =
      static_cast<double>(std::max({plan.text.pool, plan.passes[0].step.pool, plan.passes[0].decode.pool}));
  const auto peak = static_cast<double>(model.state().backend->peak_bytes());
  EXPECT_LE(peak, said);
  EXPECT_GT(peak, 0.95 * said);
}

TEST_F(Families, SettingsThatAModelDoesNotTakeAreRefused) {
  const auto refused = [](Model& model, const MicroConditioning& micro, const std::string& message) {
    GenerateOptions asked = options();
    asked.micro = micro;
    EXPECT_ERROR(forecast(model, asked), usage, message);
  };
  const MicroConditioning original{.original_size = PictureSize{.width = 64, .height = 64}},
      crop{.crop = PictureCorner{}}, target{.target_size = PictureSize{.width = 64, .height = 64}},
      score{.aesthetic_score = 6}, negative_score{.negative_aesthetic_score = 2};
  Model sd2 = open("tiny-sd21");
  for (const auto& [micro, name] : {std::pair{original, "original-size"}, {crop, "crop"}, {target, "target-size"}})
    refused(sd2, micro,
            std::string(name) + "] " + file("tiny-sd21").string() +
                " is a Stable Diffusion 2 checkpoint, which does not take this; expected a Stable Diffusion "
                "XL model");
  refused(sd2, score, "expected a Stable Diffusion XL refiner");
  Model xl = open("tiny-sdxl");
  refused(xl, score, "[aesthetic-score]");
  refused(xl, negative_score, "[negative-aesthetic-score]");
  refused(xl, {.original_size = PictureSize{.width = 0, .height = 64}}, "[original-size] expected 1 to 1048576 pixels");
  refused(xl, {.target_size = PictureSize{.width = 64, .height = 1 << 21}}, "[target-size] expected 1 to 1048576");
  refused(xl, {.crop = PictureCorner{.left = 0, .top = -1}}, "[crop] expected 0 to 1048576 pixels, found -1");
  Model refiner = open("tiny-refiner");
  refused(refiner, target, "[target-size]");
  refused(refiner, {.aesthetic_score = 10.5}, "[aesthetic-score] expected 0 to 10, found 10.5");
  refused(refiner, {.negative_aesthetic_score = std::nan("")},
          "[negative-aesthetic-score] expected 0 to 10, found nan");
}

// As A1111 has it beside checkpoints of Stable Diffusion 2.
TEST_F(Families, TheConfigurationBesideAFileCountsWhenItIsOpened) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "v2.safetensors";
  std::filesystem::create_symlink(file("tiny-sd21"), path);
  struct Made {
    std::vector<std::uint8_t> rgb;
    std::string infotext;
    std::vector<std::string> warnings;
  };
  const auto made = [&](const std::string& yaml, const ModelOptions& how = {}) {
    if (!yaml.empty()) test::write_file(folder / "v2.yaml", yaml);
    Model model = Model::open(path, how, {.measures = false});
    GenerateOptions small = options();
    small.width = small.height = 32;
    small.steps = 1;
    Made result;
    const GenerateReport report = generate(model, small, [&](const GeneratedPicture& picture) {
      result.rgb = picture.picture.rgb;
      result.infotext = picture.infotext;
    });
    result.warnings = report.warnings;
    return result;
  };
  const std::string says_v = "model:\n  params:\n    parameterization: v\n";
  const Made noise = made(""), v = made("", {.prediction = "v"}), beside = made(says_v);
  EXPECT_EQ(beside.rgb, v.rgb);
  EXPECT_NE(beside.rgb, noise.rgb);
  EXPECT_EQ(beside.infotext, v.infotext);  // which tells it, since the model's hash does not
  EXPECT_THAT(beside.infotext, HasSubstr("Prediction: v"));
  EXPECT_EQ(made(says_v, {.prediction = "noise"}).rgb, noise.rgb);
  const Made broken = made("model: [");
  EXPECT_EQ(broken.rgb, noise.rgb);
  EXPECT_EQ(broken.infotext, noise.infotext);
  EXPECT_THAT(broken.warnings,
              ::testing::ElementsAre(HasSubstr("its configuration v2.yaml says nothing: [yaml] line")));
}

TEST_F(Families, WhetherAnEmptyNegativePromptIsZerosAFolderSays) {
  const test::TemporaryFolder folder;
  const SafeTensors xl = SafeTensors::open(file("tiny-sdxl"));
  for (const auto& [part, name, place] : {std::tuple{"unet", "diffusion_pytorch_model", "model.diffusion_model."},
                                          {"vae", "diffusion_pytorch_model", "first_stage_model."},
                                          {"text_encoder", "model", "conditioner.embedders.0."},
                                          {"text_encoder_2", "model", "conditioner.embedders.1."}}) {
    std::filesystem::create_directory(folder / part);
    test::write_part(folder / part / (std::string(name) + ".safetensors"), test::renamed(place, place), xl);
  }
  const auto is_zeros = [&](const std::string& index) {
    test::write_file(folder / "model_index.json", index);
    Model model = Model::open(folder / "", ModelOptions{}, {.measures = false});
    GenerateOptions empty = options();
    empty.negative_prompt.clear();
    empty.width = empty.height = 16;
    empty.steps = 1;
    bool zeros = false;
    empty.inspect = [&](const Snapshot& s) {
      if (s.name != "text_embeddings") return;
      const std::span<const float> negative = s.tensor.floats().subspan(s.tensor.floats().size() / 2);
      zeros = std::ranges::all_of(negative, [](float value) { return value == 0; });
    };
    generate(model, empty, [](const GeneratedPicture&) {});
    return zeros;
  };
  EXPECT_TRUE(is_zeros("{}"));
  EXPECT_FALSE(is_zeros(R"({"force_zeros_for_empty_prompt": false})"));
}

TEST_F(Families, AnUnknownPredictionIsRefused) {
  EXPECT_ERROR(open("tiny-sd21", {.prediction = "x0"}), usage,
               "[prediction] expected one of automatic, noise, v, found 'x0'");
}

TEST_F(Families, WhatIsToldIsWrittenIntoThePicture) {
  Model model = open("tiny-sdxl");
  GenerateOptions told = options();
  told.steps = 1;
  told.micro = {.original_size = PictureSize{.width = 500, .height = 700}, .crop = PictureCorner{.left = 8, .top = 16}};
  generate(model, told, [](const GeneratedPicture& made) {
    EXPECT_THAT(made.infotext, HasSubstr("Original size: 500x700, Crop: 8x16, "));
    EXPECT_THAT(made.infotext, ::testing::Not(HasSubstr("Prediction")));
  });
  Model overruled = open("tiny-sdxl", {.prediction = "v", .zero_terminal_snr = true});
  generate(overruled, told, [](const GeneratedPicture& made) {
    EXPECT_THAT(made.infotext, HasSubstr("Prediction: v, Zero terminal SNR: true, "));
  });
}

}  // namespace
}  // namespace safelight

// Whole pictures against diffusers' StableDiffusionPipeline on the same random weights: tests/golden/pipeline.py.
#include <gmock/gmock.h>

#include <cmath>

#include "models/random_checkpoint.h"
#include "safelight/generate.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

constexpr double kLatents = 1e-4;  // relative; 4e-6 is measured
constexpr double kPicture = 80;    // dB; 117

const SafeTensors& golden() {
  static const SafeTensors file = SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/tasks/pipeline.safetensors");
  return file;
}

struct Case {
  const char* sampler;
  const char* schedule;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.sampler << " " << c.schedule; }

double relative(std::span<const float> got, std::span<const float> expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(got[i]) - expected[i], 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / size);
}

// Of values in [-1, 1].
double psnr(std::span<const float> got, std::span<const float> expected) {
  double difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    difference += std::pow(static_cast<double>(got[i]) - expected[i], 2);
  return 10 * std::log10(4 / (difference / static_cast<double>(expected.size())));
}

std::string write_tiny_model(const test::TemporaryFolder& folder) {
  const std::vector<std::byte> file = test::file_bytes(test::read_layout("tiny"));
  test::write_file(folder / "tiny.safetensors", std::string(reinterpret_cast<const char*>(file.data()), file.size()));
  return folder / "tiny.safetensors";
}

class Pipeline : public ::testing::TestWithParam<Case> {};

// The start noise is not handed over: the seed must make it, and euler_a's noise of each step after it.
TEST_P(Pipeline, AgreesWithDiffusersAfterEveryStep) {
  const test::TemporaryFolder folder;
  Model model = Model::open(write_tiny_model(folder));
  const std::string name = std::string(GetParam().sampler) + " " + GetParam().schedule;
  const Tensor latents = golden().tensor(name + " latents"), picture = to_f32(golden().tensor(name + " picture"));
  const std::span<const float> all = latents.floats();
  const std::size_t size = all.size() / 10;
  int steps = 0;
  const auto compare = [&](const Snapshot& snapshot) {
    const std::span<const float> got =
        snapshot.tensor.dtype() == DType::F32 ? snapshot.tensor.floats() : std::span<const float>();
    if (snapshot.name == "start_noise") {
      EXPECT_LT(relative(got, golden().tensor("start_noise").floats()), 1e-5);
    } else if (snapshot.name.starts_with("latents_")) {
      ASSERT_EQ(got.size(), size);
      const double off = relative(got, all.subspan(static_cast<std::size_t>(steps) * size, size));
      EXPECT_LT(off, kLatents) << snapshot.name;
      if (++steps == 10) RecordProperty("latents_relative", std::to_string(off));
    } else if (snapshot.name == "picture") {
      ASSERT_EQ(got.size(), picture.floats().size());
      const double decibel = psnr(got, picture.floats());
      EXPECT_GT(decibel, kPicture);
      RecordProperty("picture_db", std::to_string(decibel));
    }
  };
  generate(model,
           {.prompt = "a red house by a lake, at night",
            .negative_prompt = "rain, fog",
            .width = 96,
            .height = 64,
            .steps = 10,
            .cfg = 7,
            .sampler = GetParam().sampler,
            .schedule = GetParam().schedule,
            .seed = 20,
            .rng = "cpu",
            .inspect = compare},
           [](const GeneratedPicture& made) { EXPECT_EQ(made.picture.width, 96); });
  EXPECT_EQ(steps, 10);
}

INSTANTIATE_TEST_SUITE_P(Samplers, Pipeline,
                         ::testing::Values(Case{"euler", "normal"}, Case{"euler", "karras"}, Case{"euler_a", "normal"},
                                           Case{"euler_a", "karras"}, Case{"ddim", "normal"},
                                           Case{"dpmpp_2m", "normal"}, Case{"dpmpp_2m", "karras"}));

}  // namespace
}  // namespace safelight

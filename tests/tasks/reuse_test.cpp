// Less work per step: what --cache and --guidance-interval make of a picture, against the same done by diffusers
// (tests/golden/reuse.py), and where they must change nothing.
#include <gmock/gmock.h>

#include <cmath>

#include "image/infotext.h"
#include "models/random_checkpoint.h"
#include "safelight/error.h"
#include "safelight/generate.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

constexpr double kLatents = 1e-4;  // relative; 1e-6 to 4e-6 are measured

struct Run {
  const char* sampler;
  const char* schedule;
  std::int64_t cache;
  GuidanceInterval interval;
  const char* golden;
};

void PrintTo(const Run& run, std::ostream* out) { *out << run.golden; }

struct Made {
  std::vector<std::vector<float>> latents;  // after every step
  std::vector<std::uint8_t> rgb;            // of the last picture
  Infotext info;
  std::vector<std::string> warnings;
};

class ReuseOptions : public ::testing::Test {
 protected:
  ReuseOptions() {
    const std::vector<std::byte> file = test::file_bytes(test::read_layout("tiny"));
    test::write_file(folder_ / "tiny.safetensors",
                     std::string(reinterpret_cast<const char*>(file.data()), file.size()));
  }

  Made make(GenerateOptions options) {
    Made made;
    options.inspect = [&](const Snapshot& snapshot) {
      if (snapshot.name.starts_with("latents_"))
        made.latents.emplace_back(snapshot.tensor.floats().begin(), snapshot.tensor.floats().end());
    };
    const auto keep = [&](const GeneratedPicture& picture) {
      made.rgb = picture.picture.rgb;
      made.info = parse_infotext(picture.infotext);
    };
    made.warnings = generate(model(), options, keep).warnings;
    return made;
  }

  Model& model() {
    if (!model_) model_.emplace(Model::open(folder_ / "tiny.safetensors"));
    return *model_;
  }

  // Five steps of 64 x 64 pixels.
  static GenerateOptions small() {
    return {.prompt = "a house", .negative_prompt = "rain", .width = 64, .height = 64, .steps = 5, .seed = 1};
  }

  test::TemporaryFolder folder_;
  std::optional<Model> model_;
};

class Reuse : public ReuseOptions, public ::testing::WithParamInterface<Run> {};

double relative(std::span<const float> got, std::span<const float> expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(got[i]) - static_cast<double>(expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / size);
}

TEST_P(Reuse, AgreesWithDiffusersAfterEveryStep) {
  const SafeTensors file = SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/tasks/reuse.safetensors");
  const Tensor golden = file.tensor(GetParam().golden);
  const Made made = make({.prompt = "a red house by a lake, at night",
                          .negative_prompt = "rain, fog",
                          .width = 96,
                          .height = 64,
                          .steps = 10,
                          .cfg = 7,
                          .sampler = GetParam().sampler,
                          .schedule = GetParam().schedule,
                          .seed = 20,
                          .rng = "cpu",
                          .cache = GetParam().cache,
                          .guidance_interval = GetParam().interval});
  ASSERT_EQ(made.latents.size(), 10u);
  const std::size_t size = golden.floats().size() / 10;
  double worst = 0;
  for (std::size_t step = 0; step < 10; ++step) {
    ASSERT_EQ(made.latents[step].size(), size);
    const double off = relative(made.latents[step], golden.floats().subspan(step * size, size));
    EXPECT_LT(off, kLatents) << "step " << step;
    worst = std::max(worst, off);
  }
  RecordProperty("worst_relative", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(
    Pipelines, Reuse,
    ::testing::Values(Run{"dpmpp_2m", "karras", 3, {}, "dpmpp_2m karras cache 3 interval 0.0 1.0"},
                      Run{"euler_a", "normal", 2, {}, "euler_a normal cache 2 interval 0.0 1.0"},
                      Run{"euler", "karras", 1, {0.2, 0.6}, "euler karras cache 1 interval 0.2 0.6"},
                      Run{"dpmpp_2m", "karras", 3, {0.2, 0.6}, "dpmpp_2m karras cache 3 interval 0.2 0.6"}));

TEST_F(ReuseOptions, AreOffUnlessAskedFor) {
  GenerateOptions options = small();
  const Made plain = make(options);
  EXPECT_EQ(plain.info.find("Cache"), nullptr);
  EXPECT_EQ(plain.info.find("Guidance interval"), nullptr);
  options.cache = 1;
  options.guidance_interval = {0, 1};
  EXPECT_EQ(make(options).latents, plain.latents);
}

TEST_F(ReuseOptions, ChangeThePictureAndAreWrittenIntoIt) {
  GenerateOptions options = small();
  const Made plain = make(options);
  options.cache = 2;
  const Made cached = make(options);
  EXPECT_EQ(cached.latents.front(), plain.latents.front()) << "the first step is full";
  EXPECT_NE(cached.latents[1], plain.latents[1]);
  EXPECT_EQ(*cached.info.find("Cache"), "2");
  options.guidance_interval = {0.2, 0.85};
  const Made both = make(options);
  EXPECT_NE(both.latents.front(), plain.latents.front());
  EXPECT_EQ(*both.info.find("Guidance interval"), "0.2-0.85");
  EXPECT_THAT(both.warnings, ::testing::IsEmpty());
}

// 1/5 is a step's own place: it belongs to the interval that begins there, not to the one that ends there.
TEST_F(ReuseOptions, AnIntervalHasItsFirstStepAndNotItsLast) {
  GenerateOptions options = small();
  options.guidance_interval = {0.2, 1};
  const Made from = make(options);
  options.guidance_interval = {0.15, 1};
  EXPECT_EQ(make(options).latents, from.latents);
  options.guidance_interval = {0.25, 1};
  EXPECT_NE(make(options).latents[1], from.latents[1]);
  const Made all = make(small());
  options.guidance_interval = {0, 0.4};
  const Made two = make(options);
  EXPECT_EQ(two.latents[1], all.latents[1]);
  EXPECT_NE(two.latents[2], all.latents[2]);
}

TEST_F(ReuseOptions, AnIntervalWithoutAStepIsAScaleOfOne) {
  GenerateOptions options = small();
  options.cfg = 1;
  const Made unguided = make(options);
  EXPECT_THAT(unguided.warnings, ::testing::IsEmpty());
  options.guidance_interval = {0.5, 0.5};
  EXPECT_THAT(make(options).warnings, ::testing::IsEmpty());
  options.cfg = 7;
  const Made empty = make(options);
  EXPECT_EQ(empty.latents, unguided.latents);
  EXPECT_THAT(empty.warnings, ::testing::ElementsAre("no step of 5 lies in the guidance interval 0.5-0.5"));
  options.guidance_interval = {0.21, 0.39};
  EXPECT_EQ(make(options).latents, unguided.latents);
}

TEST_F(ReuseOptions, EveryPictureOfACallBeginsAnew) {
  GenerateOptions options = small();
  options.cache = 3;
  options.guidance_interval = {0, 0.6};
  options.seed = 2;
  const Made second = make(options);
  options.seed = 1;
  options.count = 2;
  EXPECT_EQ(make(options).rgb, second.rgb);
}

TEST_F(ReuseOptions, AreRefusedIfTheyMakeNoSense) {
  const auto refused = [&](std::int64_t cache, GuidanceInterval interval, const char* message) {
    GenerateOptions options = small();
    options.cache = cache;
    options.guidance_interval = interval;
    try {
      generate(model(), options, [](const GeneratedPicture&) {});
      ADD_FAILURE() << "accepted " << message;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), ErrorCategory::usage);
      EXPECT_STREQ(e.what(), message);
    }
  };
  refused(0, {}, "[cache] expected 1 to 5, the number of steps; found 0");
  refused(-2, {}, "[cache] expected 1 to 5, the number of steps; found -2");
  refused(6, {}, "[cache] expected 1 to 5, the number of steps; found 6");
  refused(1, {0.8, 0.2}, "[guidance-interval] expected FROM,TO with 0 <= FROM <= TO <= 1, found 0.8,0.2");
  refused(1, {-0.1, 1}, "[guidance-interval] expected FROM,TO with 0 <= FROM <= TO <= 1, found -0.1,1");
  refused(1, {0, 1.5}, "[guidance-interval] expected FROM,TO with 0 <= FROM <= TO <= 1, found 0,1.5");
  const double nan = std::nan("");
  refused(1, {nan, 1}, "[guidance-interval] expected FROM,TO with 0 <= FROM <= TO <= 1, found nan,1");
  refused(1, {0, nan}, "[guidance-interval] expected FROM,TO with 0 <= FROM <= TO <= 1, found 0,nan");
}

}  // namespace
}  // namespace safelight

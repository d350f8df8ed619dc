// generate() as a library call: what it reports, and that it stops when told to.
#include "safelight/generate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "models/random_checkpoint.h"
#include "safelight/error.h"
#include "safelight/safetensors.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

class Generate : public ::testing::Test {
 protected:
  Generate() {
    const std::vector<std::byte> file = test::file_bytes(test::read_layout("tiny"));
    test::write_file(folder_ / "tiny.safetensors",
                     std::string(reinterpret_cast<const char*>(file.data()), file.size()));
  }

  Model open(const Context& context = {}) const { return Model::open(folder_ / "tiny.safetensors", context); }

  test::TemporaryFolder folder_;
  const GenerateOptions small_{.prompt = "x", .width = 64, .height = 64, .steps = 2, .seed = 1};
};

constexpr double kBf16Picture = 45;  // dB; 47.1
constexpr double kInt8Picture = 33;  // dB; 34.1 to 35.0 on four instruction sets, 31.6 with one bit less

std::vector<std::uint8_t> only_picture(Model& model, const GenerateOptions& options) {
  std::vector<std::uint8_t> rgb;
  generate(model, options, [&](const GeneratedPicture& made) { rgb = made.picture.rgb; });
  return rgb;
}

TEST_F(Generate, ReportsWhatWasChosen) {
  Model model = open();
  EXPECT_EQ(model.default_width(), 512);
  EXPECT_EQ(model.size_multiple(), 8);
  GenerateOptions options = small_;
  options.seed.reset();
  options.sampler = "DPM++ 2M Karras";
  std::uint64_t seed = 0;
  const GenerateReport report = generate(model, options, [&](const GeneratedPicture& made) { seed = made.seed; });
  EXPECT_EQ(report.seed, seed);
  EXPECT_EQ(report.sampler, "dpmpp_2m");
  EXPECT_EQ(report.schedule, "karras");
  EXPECT_EQ(report.rng, "philox");
  EXPECT_EQ(report.precision, "full");
  EXPECT_EQ(report.count, 1);
  EXPECT_GT(report.mean_step_ms, 0);
  EXPECT_GT(report.mean_decode_ms, 0);
  EXPECT_GE(report.total_ms, report.text_ms + 2 * report.mean_step_ms + report.mean_decode_ms);
  EXPECT_GT(model.open_ms(), 0);
}

// A clock that counts seconds would give both the same.
TEST_F(Generate, RandomSeedsOfTwoCallsInOneSecondDiffer) {
  Model model = open();
  GenerateOptions options = small_;
  options.width = options.height = 8;
  options.steps = 1;
  options.seed.reset();
  const auto seed = [&] { return generate(model, options, [](const GeneratedPicture&) {}).seed; };
  const std::uint64_t first = seed();
  EXPECT_NE(first, seed());
}

TEST_F(Generate, ProgressReachesTheEndOfEveryStage) {
  std::multiset<std::string> ends;
  Model model = open({.on_progress = [&](const Progress& p) {
    EXPECT_LE(p.done, p.total);
    if (p.done == p.total) ends.insert(std::string(p.stage));
  }});
  GenerateOptions options = small_;
  options.count = 2;
  generate(model, options, [](const GeneratedPicture&) {});
  EXPECT_THAT(ends, ::testing::UnorderedElementsAre("open", "text", "step", "decode", "decode", "picture", "batch"));
  ends.clear();
  options.batch = 1;
  generate(model, options, [](const GeneratedPicture&) {});
  EXPECT_THAT(ends, ::testing::UnorderedElementsAre("text", "step", "step", "decode", "decode", "picture", "batch"));
}

TEST_F(Generate, ScaleOneIgnoresTheNegativePrompt) {
  Model model = open();
  GenerateOptions options = small_;
  options.cfg = 1;
  const std::vector<std::uint8_t> plain = only_picture(model, options);
  options.negative_prompt = "rain";
  EXPECT_EQ(only_picture(model, options), plain);
  options.cfg = 7;
  EXPECT_NE(only_picture(model, options), plain);
}

TEST_F(Generate, RefusesAnUnknownPrecision) {
  Model model = open();
  GenerateOptions options = small_;
  options.precision = "int4";
  EXPECT_ERROR(generate(model, options, {}), usage, "[precision] expected one of full, bf16, int8, found 'int4'");
}

// A model changes its precision with the call, there and back.
TEST_F(Generate, LowerPrecisionsAreCloseToFull) {
  Model model = open();
  GenerateOptions options = small_;
  options.steps = 10;
  const std::vector<std::uint8_t> full = only_picture(model, options);
  for (const auto& [precision, least] : {std::pair{"int8", kInt8Picture}, {"bf16", kBf16Picture}}) {
    options.precision = precision;
    std::string infotext;
    std::vector<std::uint8_t> rough;
    const GenerateReport report = generate(model, options, [&](const GeneratedPicture& made) {
      rough = made.picture.rgb;
      infotext = made.infotext;
    });
    if (report.precision == "full") {  // this processor would gain nothing
      EXPECT_STREQ(precision, "bf16");
      EXPECT_THAT(report.warnings, ::testing::Contains(::testing::HasSubstr("bf16")));
      EXPECT_THAT(infotext, ::testing::Not(::testing::HasSubstr("Precision")));
      EXPECT_EQ(rough, full);
      continue;
    }
    EXPECT_EQ(report.precision, precision);
    EXPECT_THAT(infotext, ::testing::HasSubstr(fmt::format("Precision: {}", precision)));
    double squares = 0;
    for (std::size_t i = 0; i < full.size(); ++i) squares += std::pow(full[i] - rough[i], 2);
    ASSERT_GT(squares, 0) << "nothing was rounded";
    const double decibel = 10 * std::log10(255 * 255 / (squares / static_cast<double>(full.size())));
    EXPECT_GT(decibel, least) << precision;
    RecordProperty(fmt::format("{}_db", precision), std::to_string(decibel));
  }
  options.precision = "full";
  EXPECT_EQ(only_picture(model, options), full);
}

// Whatever the call before it was in.
TEST_F(Generate, APrecisionIsTheSameAfterAnyOther) {
  GenerateOptions options = small_;
  options.precision = "int8";
  Model fresh = open();
  const std::vector<std::uint8_t> expected = only_picture(fresh, options);
  Model model = open();
  options.precision = "bf16";
  only_picture(model, options);
  options.precision = "int8";
  EXPECT_EQ(only_picture(model, options), expected);
}

// Where nothing is gained the picture is that of full precision, and says so.
TEST_F(Generate, Bf16IsFullPrecisionElsewhere) {
  Model model = open({.backend = "reference"});
  GenerateOptions options = small_;
  options.steps = 1;
  options.precision = "bf16";
  const GenerateReport report = generate(model, options, [](const GeneratedPicture&) {});
  EXPECT_EQ(report.precision, "full");
  EXPECT_THAT(report.warnings, ::testing::Contains(::testing::HasSubstr("computed in full precision: bf16")));
}

TEST_F(Generate, InitialLatentsReplaceTheNoise) {
  Model model = open();
  GenerateOptions options = small_;
  std::vector<float> noise;
  options.inspect = [&](const Snapshot& s) {
    if (s.name == "start_noise") noise.assign(s.tensor.floats().begin(), s.tensor.floats().end());
  };
  const std::vector<std::uint8_t> expected = only_picture(model, options);
  GenerateOptions given = small_;
  given.seed = 999;
  given.initial_latents = Tensor::from(noise, {1, 4, 8, 8});
  EXPECT_EQ(only_picture(model, given), expected);
}

TEST_F(Generate, StopsWhenCancelled) {
  CancelToken token;
  Model model = open({.on_progress =
                          [&](const Progress& p) {
                            if (p.stage == "step" && p.done == 1) token.cancel();
                          },
                      .cancel = &token});
  try {
    generate(model, small_, [](const GeneratedPicture&) { FAIL() << "a picture was made"; });
    FAIL() << "it went on";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), ErrorCategory::cancelled);
  }
}

}  // namespace
}  // namespace safelight

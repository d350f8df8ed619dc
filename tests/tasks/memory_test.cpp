// What is said about memory before a run, and whether it is kept.
#include <gmock/gmock.h>

#include <algorithm>

#include "models/random_checkpoint.h"
#include "safelight/generate.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "tasks/generate_plan.h"

namespace safelight {
namespace {

class Memory : public ::testing::Test {
 protected:
  Memory() {
    const std::vector<std::byte> file = test::file_bytes(test::read_layout("tiny"));
    test::write_file(folder_ / "tiny.safetensors",
                     std::string(reinterpret_cast<const char*>(file.data()), file.size()));
  }

  Model open(const Context& context = {.measures = false}) const {
    return Model::open(folder_ / "tiny.safetensors", context);
  }

  static GenerateOptions options(std::int64_t width, std::int64_t height) {
    return {.prompt = "x", .width = width, .height = height, .steps = 2, .seed = 1};
  }

  // Makes the picture with a model of its own, whose backend has done nothing else.
  struct Made {
    GenerateReport report;
    std::vector<std::uint8_t> rgb;
    std::uint64_t peak = 0;  // of the backend's pool
  };
  Made make(const GenerateOptions& wanted, const Context& context = {.measures = false}) const {
    Model model = open(context);
    Made made;
    made.report = generate(model, wanted, [&](const GeneratedPicture& g) { made.rgb = g.picture.rgb; });
    made.peak = model.state().backend->peak_bytes();
    return made;
  }

  static std::uint64_t most_in_pool(const MemoryPlan& plan) {
    return std::max({plan.text.pool, plan.step.pool, plan.decode.pool});
  }

  MemoryPlan plan(Model& model, const GenerateOptions& wanted) const {
    return plan_generate(model.state(), wanted).memory;
  }

  test::TemporaryFolder folder_;
};

TEST_F(Memory, IsWhatWasSaidBefore) {
  for (const int threads : {1, 3})
    for (const auto& [width, height] : {std::pair<std::int64_t, std::int64_t>{64, 64}, {136, 72}, {256, 192}})
      for (const double cfg : {7.0, 1.0}) {
        GenerateOptions wanted = options(width, height);
        wanted.cfg = cfg;
        Model model = open({.threads = threads, .measures = false});
        const double said = static_cast<double>(most_in_pool(plan(model, wanted)));
        const Made made = make(wanted, {.threads = threads, .measures = false});
        EXPECT_GT(static_cast<double>(made.peak), 0.95 * said) << width << " x " << height << ", cfg " << cfg;
        EXPECT_LE(static_cast<double>(made.peak), said) << width << " x " << height << ", cfg " << cfg;
      }
}

TEST_F(Memory, WithoutSpareTheBitsAreTheSame) {
  GenerateOptions wanted = options(256, 256);
  const Made free = make(wanted);
  Model model = open();
  const MemoryPlan loose = plan(model, wanted);
  EXPECT_TRUE(loose.decode.keep_spare);
  wanted.max_memory = loose.peak() - loose.decode.activations() / 20;
  const MemoryPlan tight = plan(model, wanted);
  EXPECT_FALSE(tight.decode.keep_spare);
  EXPECT_LE(tight.peak(), wanted.max_memory);
  const Made made = make(wanted);
  EXPECT_EQ(made.report.decode_tiles, 1);
  EXPECT_LT(made.peak, free.peak);
  EXPECT_EQ(made.rgb, free.rgb);
}

TEST_F(Memory, TilesKeepIt) {
  GenerateOptions wanted = options(512, 256);
  Model model = open();
  const MemoryPlan whole = plan(model, wanted);
  EXPECT_EQ(whole.decode_tiles({1, 32, 64, 4}), 1);
  wanted.max_memory = whole.program + whole.decode.weights + whole.decode.activations() / 2;
  const MemoryPlan tiled = plan(model, wanted);
  EXPECT_GT(tiled.decode_tiles({1, 32, 64, 4}), 1);
  EXPECT_LE(tiled.peak(), wanted.max_memory);
  const Made made = make(wanted);
  EXPECT_EQ(made.report.decode_tiles, tiled.decode_tiles({1, 32, 64, 4}));
  EXPECT_LE(made.peak, tiled.decode.pool);
  EXPECT_EQ(made.rgb.size(), 512u * 256 * 3);
}

// Of the step alone, which here needs less than the decoder: planned, and then run, as plan_memory would have it.
TEST_F(Memory, TextsInTurnNeedLessThanTogether) {
  Model model = open();
  const MemoryDemand demand{.latents = {1, 128, 128, 4}, .guided = true, .allowed = 0};
  const MemoryPlan together = plan_memory(model.state(), demand);
  EXPECT_EQ(together.passes, Passes::together);
  std::uint64_t allowed = together.peak(together.step);
  MemoryPlan in_turn = together;
  while (in_turn.passes == Passes::together) {
    allowed -= together.step.activations() / 20;
    in_turn = plan_memory(model.state(), {.latents = demand.latents, .guided = true, .allowed = allowed});
  }
  EXPECT_LT(in_turn.step.activations(), together.step.activations() * 3 / 4);
  EXPECT_NEAR(in_turn.step.work[WorkKind::conv3x3] / together.step.work[WorkKind::conv3x3], 1, 1e-9);
  const MemoryPlan unguided =
      plan_memory(model.state(), {.latents = demand.latents, .guided = false, .allowed = allowed});
  EXPECT_EQ(unguided.passes, Passes::together);
}

TEST_F(Memory, WhatCannotBeKeptIsRefusedBeforeWork) {
  std::vector<std::string> stages;
  Model model = open({.on_progress = [&](const Progress& p) { stages.emplace_back(p.stage); }});
  stages.clear();
  GenerateOptions wanted = options(64, 64);
  wanted.max_memory = 1'000'000;
  EXPECT_ERROR(generate(model, wanted, [](const GeneratedPicture&) { FAIL(); }), limit,
               "[max-memory] 64 x 64 pixels need at least ");
  EXPECT_ERROR(forecast(model, wanted), limit, "1.00 MB are allowed");
  EXPECT_ERROR(plan_memory(model.state(), {.latents = {1, 512, 512, 4}, .available = 1'000'000}), limit,
               "pixels would need at least ");
  EXPECT_THAT(stages, ::testing::IsEmpty());
}

TEST_F(Memory, TheForecastSaysWhatWillBeDone) {
  Model model = open();
  GenerateOptions wanted = options(128, 64);
  wanted.count = 3;
  wanted.sampler = "euler";
  const GenerateForecast f = forecast(model, wanted);
  EXPECT_EQ(f.width, 128);
  EXPECT_EQ(f.height, 64);
  EXPECT_EQ(f.steps, 2);
  EXPECT_EQ(f.count, 3);
  EXPECT_EQ(f.sampler, "euler");
  EXPECT_EQ(f.schedule, "normal");
  EXPECT_EQ(f.rng, "philox");
  EXPECT_EQ(f.decode_tiles, 1);
  EXPECT_FALSE(f.texts_in_turn);
  std::uint64_t largest = 0;
  for (const GenerateForecast::Phase& phase : {f.text, f.step, f.decode}) {
    EXPECT_GT(phase.weight_bytes, 0u);
    EXPECT_GT(phase.activation_bytes, 0u);
    EXPECT_GT(phase.ms, 0);
    largest = std::max(largest, phase.weight_bytes + phase.activation_bytes);
  }
  EXPECT_EQ(f.peak_memory_bytes, f.program_bytes + largest);
  EXPECT_DOUBLE_EQ(f.full_steps, 2);
  EXPECT_DOUBLE_EQ(f.total_ms, f.text.ms + 3 * (2 * f.step.ms + f.decode.ms));
}

TEST_F(Memory, StepsThatAreLessWorkAreCountedSo) {
  Model model = open();
  GenerateOptions wanted = options(64, 64);
  wanted.steps = 10;
  wanted.guidance_interval = {0.2, 1};  // two steps at half the work
  EXPECT_DOUBLE_EQ(plan_generate(model.state(), wanted).full_steps(), 9);
  wanted.cache = 4;  // full: 0; 2 and 6, guided
  const GeneratePlan plan = plan_generate(model.state(), wanted);
  EXPECT_GT(plan.memory.shallow, 0);
  EXPECT_LT(plan.memory.shallow, 0.5);
  EXPECT_DOUBLE_EQ(plan.full_steps(), (1 + plan.memory.shallow) * 0.5 + 2 + 6 * plan.memory.shallow);
}

}  // namespace
}  // namespace safelight

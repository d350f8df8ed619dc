// What is said about memory before a run, and whether it is kept.
#include <gmock/gmock.h>

#include <algorithm>

#include "core/available_memory.h"
#include "models/random_checkpoint.h"
#include "safelight/generate.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "tasks/engine.h"
#include "tasks/jobs.h"
#include "tasks/sampling_plan.h"
#include "tasks/weights.h"

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
    std::uint64_t most = plan.text.pool;
    for (const PassMemory& pass : plan.passes)
      most = std::max({most, pass.encode.pool, pass.step.pool, pass.decode.pool});
    return most;
  }

  static SamplingPlan sampling_plan(Model& model, const GenerateOptions& wanted) {
    return plan_sampling(model.state(), wanted, generate_job(model.state(), wanted));
  }

  static std::int64_t tiles_of(const MemoryPlan& plan) {
    return count_tiles({1, 32, 64, 4}, plan.passes[0].decode_tiles);
  }

  MemoryPlan plan(Model& model, const GenerateOptions& wanted) const { return sampling_plan(model, wanted).memory; }

  test::TemporaryFolder folder_;
};

using ::testing::ElementsAre, ::testing::StartsWith;

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

// Of every task: the encoder, the channels that the UNet sees besides, three answers, a batch, a second pass.
TEST_F(Memory, IsWhatWasSaidOfEveryTask) {
  Picture picture(96, 64);
  const auto agrees = [&](std::int64_t channels, const char* what, const GenerateOptions& generate, const auto& job_of,
                          std::string_view layout = "tiny") {
    const std::filesystem::path path = folder_ / (std::to_string(channels) + ".safetensors");
    test::write_file(path, test::tiny_file(channels, layout));
    Model planned = Model::open(path, {.measures = false}), run = Model::open(path, {.measures = false});
    const auto said =
        static_cast<double>(most_in_pool(plan_sampling(planned.state(), generate, job_of(planned.state())).memory));
    run_job(run, generate, job_of(run.state()), [](const GeneratedPicture&) {});
    const auto was = static_cast<double>(run.state().backend->peak_bytes());
    EXPECT_GT(was, 0.95 * said) << what;
    EXPECT_LE(was, said) << what;
  };
  GenerateOptions small{.prompt = "x", .steps = 2, .seed = 1};
  agrees(4, "transform", small,
         [&](Model::State& model) { return transform_job(model, {.generate = small, .picture = picture}); });
  const EditPictureOptions edit{.generate = small, .picture = picture};
  agrees(8, "edit", small, [&](Model::State& model) { return edit_job(model, edit); });
  const InpaintOptions inpaint{.generate = small, .picture = picture, .mask = Mask(96, 64, 255)};
  agrees(9, "inpaint", small, [&](Model::State& model) { return inpaint_job(model, inpaint); });
  small.count = 3;
  small.width = small.height = 64;
  agrees(4, "a batch", small, [&](Model::State& model) { return generate_job(model, small); });
  small.batch = 2;
  agrees(4, "two batches", small, [&](Model::State& model) { return generate_job(model, small); });
  small.batch = 0;
  small.hires = HiresOptions{.scale = 2, .upscaler = "lanczos"};
  agrees(4, "hires", small, [&](Model::State& model) { return generate_job(model, small); });
  small.hires.reset();
  for (const char* negative : {"", "y"}) {  // of SDXL, an empty one is not read
    small.negative_prompt = negative;
    agrees(
        4, "SDXL", small, [&](Model::State& model) { return generate_job(model, small); }, "tiny-sdxl");
  }
}

// The reference backend reads all weights when it binds them. What is mapped of the file then goes, network by network,
// or opening alone would take more than a limit that is kept afterwards.
TEST_F(Memory, OpeningLeavesNoWeightsInIt) {
  Model model = open({.backend = "reference", .measures = false});
  const std::uint64_t opened = resident_memory();
  release_all_weights(model.state().networks);
  EXPECT_LT(static_cast<double>(opened) - static_cast<double>(resident_memory()), 1e6);
}

// Fresh memory costs time.
TEST_F(Memory, OfAPhaseStaysForTheNext) {
  std::uint64_t at_decode = 0;
  const auto on_progress = [&](const Progress& p) {
    if (p.stage == "decode" && p.done == 0) at_decode = resident_memory();
  };
  Model model = open({.on_progress = on_progress, .measures = false});
  const GenerateOptions wanted = options(512, 512);
  const PassMemory memory = plan(model, wanted).passes[0];
  generate(model, wanted, [](const GeneratedPicture&) {});
  const auto stays = static_cast<double>(std::min(memory.step.pool, memory.decode.pool));
  EXPECT_GT(static_cast<double>(at_decode) - static_cast<double>(resident_memory()), stays / 2);
}

TEST_F(Memory, TilesKeepIt) {
  GenerateOptions wanted = options(512, 256);
  Model model = open();
  const MemoryPlan whole = plan(model, wanted);
  EXPECT_EQ(tiles_of(whole), 1);
  wanted.max_memory = whole.program + whole.passes[0].decode.weights + whole.passes[0].decode.activations() / 2;
  wanted.max_memory = plan(model, wanted).peak() + (std::uint64_t{8} << 20);  // the program itself grows meanwhile
  const MemoryPlan tiled = plan(model, wanted);
  EXPECT_GT(tiles_of(tiled), 1);
  EXPECT_LE(tiled.peak(), wanted.max_memory);
  const Made made = make(wanted);
  EXPECT_EQ(made.report.decode_tiles, tiles_of(tiled));
  EXPECT_THAT(made.report.warnings,
              ElementsAre(StartsWith("decoded in " + std::to_string(tiles_of(tiled)) + " tiles, for want of memory")));
  EXPECT_LE(made.peak, tiled.passes[0].decode.pool);
  EXPECT_EQ(made.rgb.size(), 512u * 256 * 3);
}

// Of the step alone, which here needs less than the decoder: planned, and then run, as plan_memory would have it.
TEST_F(Memory, AnswersInTurnNeedLessThanTogether) {
  for (const std::int64_t answers : {2, 3}) {
    Model model = open();
    MemoryDemand demand{.passes = {{.latents = {1, 128, 128, 4}}}, .guided = true, .answers = answers, .allowed = 0};
    const MemoryPlan together = plan_memory(model.state(), demand);
    EXPECT_EQ(together.answers, Answers::together);
    const PhasePlan& step = together.passes[0].step;
    demand.allowed = together.peak(step);
    MemoryPlan in_turn = together;
    while (in_turn.answers == Answers::together) {
      demand.allowed -= step.activations() / 20;
      in_turn = plan_memory(model.state(), demand);
    }
    EXPECT_LT(in_turn.passes[0].step.activations(), step.activations() * 3 / 4);
    EXPECT_NEAR(in_turn.passes[0].step.work[WorkKind::conv3x3] / step.work[WorkKind::conv3x3], 1, 1e-9);
    demand.guided = false;
    EXPECT_EQ(plan_memory(model.state(), demand).answers, Answers::together);
  }
}

TEST_F(Memory, WhereItIsShortFewerPicturesGoTogether) {
  Model model = open();
  GenerateOptions wanted = options(64, 64);
  wanted.count = 8;
  EXPECT_EQ(plan(model, wanted).batch, 8);
  MemoryDemand demand{.passes = {{.latents = {1, 64, 64, 4}}}, .batch = 8};
  const MemoryPlan all = plan_memory(model.state(), demand);
  EXPECT_EQ(all.batch, 8);
  demand.allowed = all.peak(all.passes[0].step) - all.passes[0].step.activations() / 3;
  const MemoryPlan some = plan_memory(model.state(), demand);
  EXPECT_EQ(some.batch, 4);
  EXPECT_EQ(some.answers, Answers::together);
  EXPECT_LE(some.peak(), demand.allowed);
}

TEST_F(Memory, ALargePictureIsEncodedInTiles) {
  Model model = open();
  MemoryDemand demand{.passes = {{.latents = {1, 64, 64, 4}, .encodes = true}}};
  const MemoryPlan whole = plan_memory(model.state(), demand);
  EXPECT_EQ(count_tiles({1, 64, 64, 4}, whole.passes[0].encode_tiles), 1);
  demand.allowed = whole.program + whole.passes[0].encode.weights + whole.passes[0].encode.activations() / 2;
  const MemoryPlan tiled = plan_memory(model.state(), demand);
  EXPECT_GT(count_tiles({1, 64, 64, 4}, tiled.passes[0].encode_tiles), 1);
  EXPECT_LE(tiled.peak(), demand.allowed);
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
  EXPECT_ERROR(plan_memory(model.state(), {.passes = {{.latents = {1, 512, 512, 4}}}, .available = 1'000'000}), limit,
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
  EXPECT_EQ(f.count, 3);
  EXPECT_EQ(f.batch, 3);
  EXPECT_EQ(f.sampler, "euler");
  EXPECT_EQ(f.schedule, "normal");
  EXPECT_EQ(f.rng, "philox");
  EXPECT_FALSE(f.texts_in_turn);
  ASSERT_EQ(f.passes.size(), 1u);
  const GenerateForecast::Pass& pass = f.passes.front();
  EXPECT_EQ(pass.steps, 2);
  EXPECT_EQ(pass.encode_tiles, 0);
  EXPECT_EQ(pass.decode_tiles, 1);
  std::uint64_t largest = 0;
  for (const GenerateForecast::Phase& phase : {f.text, pass.step, pass.decode}) {
    EXPECT_GT(phase.weight_bytes, 0u);
    EXPECT_GT(phase.activation_bytes, 0u);
    EXPECT_GT(phase.ms, 0);
    largest = std::max(largest, phase.weight_bytes + phase.activation_bytes);
  }
  EXPECT_EQ(f.peak_memory_bytes, f.program_bytes + largest);
  EXPECT_DOUBLE_EQ(pass.full_steps, 2);
  EXPECT_DOUBLE_EQ(f.total_ms, f.text.ms + 2 * pass.step.ms + 3 * pass.decode.ms);
}

TEST_F(Memory, StepsThatAreLessWorkAreCountedSo) {
  Model model = open();
  GenerateOptions wanted = options(64, 64);
  wanted.steps = 10;
  wanted.guidance_interval = {0.2, 1};  // two steps at half the work
  EXPECT_DOUBLE_EQ(sampling_plan(model, wanted).full_steps(0), 9);
  wanted.cache = 4;  // full: 0; 2 and 6, guided
  const SamplingPlan plan = sampling_plan(model, wanted);
  const double shallow = plan.memory.passes[0].shallow;
  EXPECT_GT(shallow, 0);
  EXPECT_LT(shallow, 0.5);
  EXPECT_DOUBLE_EQ(plan.full_steps(0), (1 + shallow) * 0.5 + 2 + 6 * shallow);
}

}  // namespace
}  // namespace safelight

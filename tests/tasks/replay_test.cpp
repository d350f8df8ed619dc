// What a picture's settings ask for.
#include "tasks/replay.h"

#include <gmock/gmock.h>

#include "support/expect_error.h"

namespace safelight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr PictureSize kOwnSize{.width = 40, .height = 48};

Replay of_text(const std::string& text, const ReplayChoices& choices = {}) {
  return replay_of(parse_infotext(text), SettingsForm::infotext, kOwnSize, choices);
}

// Further fields behind those that every picture has.
Replay of_fields(const std::string& fields, const ReplayChoices& choices = {}) {
  return of_text(
      "a house\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64" + (fields.empty() ? "" : ", " + fields),
      choices);
}
const std::string kOurs = ", Version: Safelight 0.1.0";

template <class Task>
Task task_of(Replay replay) {
  EXPECT_TRUE(std::holds_alternative<Task>(replay.task));
  return std::get<Task>(replay.task);
}

std::vector<std::string> unmet_fields(const Replay& replay) {
  std::vector<std::string> names;
  for (const UnmetSetting& unmet : replay.unmet) names.push_back(unmet.field + "=" + unmet.value);
  return names;
}

TEST(Replay, APictureOfOurs) {
  const Replay replay = of_text(
      "a (red:1.2) house,\nby a lake\nNegative prompt: rain\nSteps: 25, Sampler: Euler a, Schedule type: Karras, "
      "CFG scale: 4.5, Guidance interval: 0.2-0.8, Cache: 2, Seed: 18446744073709551615, Size: 512x384, "
      "Model hash: 6ce0161689, Model: sd15, VAE hash: 0123456789, VAE: mse.safetensors, Text encoder: l.safetensors, "
      "Text encoder: g.safetensors, Variant: fp16, RNG: CPU, Precision: int8, Prediction: v, Zero terminal SNR: true, "
      "Original size: 1024x768, Crop: 8x16, Target size: 640x480, Aesthetic score: 6.5, Negative aesthetic score: 2" +
      kOurs);
  EXPECT_THAT(replay.unmet, IsEmpty());
  const auto made = task_of<GenerateOptions>(replay);
  EXPECT_EQ(made.prompt, "a (red:1.2) house,\nby a lake");
  EXPECT_EQ(made.negative_prompt, "rain");
  EXPECT_EQ(made.steps, 25);
  EXPECT_EQ(made.sampler, "euler_a");
  EXPECT_EQ(made.schedule, "karras");
  EXPECT_EQ(made.cfg, 4.5);
  EXPECT_EQ(made.guidance_interval, (GuidanceInterval{.from = 0.2, .to = 0.8}));
  EXPECT_EQ(made.cache, 2);
  EXPECT_EQ(made.seed, 18446744073709551615u);
  EXPECT_EQ(made.width, 512);
  EXPECT_EQ(made.height, 384);
  EXPECT_EQ(made.rng, "cpu");
  EXPECT_EQ(made.precision, "int8");
  EXPECT_EQ(made.micro.original_size, (PictureSize{.width = 1024, .height = 768}));
  EXPECT_EQ(made.micro.crop, (PictureCorner{.left = 8, .top = 16}));
  EXPECT_EQ(made.micro.target_size, (PictureSize{.width = 640, .height = 480}));
  EXPECT_EQ(made.micro.aesthetic_score, 6.5);
  EXPECT_EQ(made.micro.negative_aesthetic_score, 2);
  EXPECT_FALSE(made.hires);
  const ModelOfPicture& model = replay.model;
  EXPECT_EQ(model.hash, "6ce0161689");
  EXPECT_EQ(model.name, "sd15");
  EXPECT_EQ(model.vae_hash, "0123456789");
  EXPECT_EQ(model.vae, "mse.safetensors");
  EXPECT_THAT(model.text_encoders, ElementsAre("l.safetensors", "g.safetensors"));
  EXPECT_EQ(model.variant, "fp16");
  EXPECT_EQ(model.prediction, "v");
  EXPECT_EQ(model.zero_terminal_snr, true);
}

TEST(Replay, WhatA1111LeavesOut) {
  const auto made = task_of<GenerateOptions>(of_fields(""));
  EXPECT_EQ(made.rng, "philox");
  EXPECT_EQ(made.schedule, "automatic");
  EXPECT_EQ(made.precision, "full");
  EXPECT_EQ(made.negative_prompt, "");
  EXPECT_EQ(task_of<GenerateOptions>(of_fields("RNG: NV")).rng, "philox");
  const Replay sizeless = of_text("x\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1");
  EXPECT_EQ(task_of<GenerateOptions>(sizeless).height, 48);  // the picture's own
}

TEST(Replay, NamesOfSamplersAndSchedules) {
  struct Case {
    std::string fields, sampler, schedule;
  };
  for (const Case& c : {Case{"Sampler: DPM++ 2M Karras", "dpmpp_2m", "karras"},
                        {"Sampler: DPM++ 2M, Schedule type: Automatic", "dpmpp_2m", "automatic"},
                        {"Sampler: DPM++ 2M Karras, Schedule type: Uniform", "dpmpp_2m", "normal"},
                        {"Sampler: k_euler_a", "euler_a", "automatic"},
                        {"Sampler: DDIM, Schedule type: Normal", "ddim", "normal"}}) {
    const Replay replay = of_text("x\nSteps: 20, " + c.fields + ", CFG scale: 7, Seed: 1, Size: 8x8");
    EXPECT_EQ(task_of<GenerateOptions>(replay).sampler, c.sampler) << c.fields;
    EXPECT_EQ(task_of<GenerateOptions>(replay).schedule, c.schedule) << c.fields;
    EXPECT_THAT(replay.unmet, IsEmpty()) << c.fields;
  }
}

TEST(Replay, ASecondPass) {
  const Replay ours = of_fields(
      "Denoising strength: 0.55, RNG: NV, Hires upscale: 1.5, Hires steps: 9, Hires upscaler: Latent (nearest)" +
      kOurs);
  EXPECT_THAT(ours.unmet, IsEmpty());
  const auto made = task_of<GenerateOptions>(ours);
  ASSERT_TRUE(made.hires);
  EXPECT_EQ(made.hires->scale, 1.5);
  EXPECT_EQ(made.hires->strength, 0.55);
  EXPECT_EQ(made.hires->steps, 9);
  EXPECT_EQ(made.hires->upscaler, "latent_nearest");
  const Replay theirs = of_fields("Denoising strength: 0.7, Hires resize: 96x80, Hires upscaler: Lanczos");
  EXPECT_EQ(task_of<GenerateOptions>(theirs).hires->height, 80);
  EXPECT_THAT(unmet_fields(theirs), ElementsAre("Denoising strength=0.7"));
}

TEST(Replay, PicturesFromPictures) {
  const auto transform =
      task_of<TransformOptions>(of_fields("Denoising strength: 1, Resize mode: Just resize" + kOurs));
  EXPECT_EQ(transform.strength, 1);
  EXPECT_EQ(transform.resize, ResizeMode::stretch);
  EXPECT_EQ(transform.generate.width, 64);
  const auto edit = task_of<EditPictureOptions>(of_fields("Image CFG scale: 1.2" + kOurs));
  EXPECT_EQ(edit.image_cfg, 1.2);
  const Replay inpaint = of_fields(
      "Denoising strength: 0.8, Mask mode: Inpaint not masked, Mask blur: 2.5, Inpaint area: Only masked, "
      "Masked area padding: 16, Masked content: latent noise, Composite: false" +
      kOurs);
  EXPECT_THAT(inpaint.unmet, IsEmpty());
  const auto repainted = task_of<InpaintOptions>(inpaint);
  EXPECT_TRUE(repainted.invert && repainted.only_masked && !repainted.composite);
  EXPECT_EQ(repainted.mask_blur, 2.5);
  EXPECT_EQ(repainted.padding, 16);
  EXPECT_EQ(repainted.content, MaskedContent::latent_noise);
  EXPECT_EQ(repainted.generate.width, 64);
  EXPECT_EQ(task_of<InpaintOptions>(of_fields("Mask blur: 4")).generate.width, 0);  // the picture's
  const auto outpaint = task_of<OutpaintOptions>(
      of_fields("Denoising strength: 0.9, Outpaint: \"left=1,top=0,right=8,bottom=0\", Overlap: 5" + kOurs));
  EXPECT_EQ(outpaint.extension, (Extension{.left = 1, .right = 8}));
  EXPECT_EQ(outpaint.strength, 0.9);
  EXPECT_EQ(outpaint.overlap, 5);
  EXPECT_EQ(outpaint.generate.width, 0);
}

TEST(Replay, WhatIsNotMet) {
  EXPECT_THAT(unmet_fields(of_fields("Clip skip: 2, Lora hashes: \"a: 0123456789ab\", Tiling: True, NGMS: 1.2")),
              ElementsAre("Clip skip=2", "Lora hashes=a: 0123456789ab", "Tiling=True", "NGMS=1.2"));
  EXPECT_THAT(unmet_fields(of_fields("Clip skip: 1, VAE hash: 0123456789, Hires sampler: Use same sampler, User: x, "
                                     "Variation seed: 3, Variation seed strength: 0, Version: v1.10.1")),
              IsEmpty());
  EXPECT_THAT(unmet_fields(of_fields("Denoising strength: 0.5, Mask blur: 4")),
              ElementsAre("Denoising strength=0.5", "Mask blur=4"));
  EXPECT_THAT(unmet_fields(of_fields("Start noise: given" + kOurs)), ElementsAre("Start noise=given"));
  const Replay markup = of_text(
      "a (red:1.2) house <lora:x:1>\nNegative prompt: (b:2)\nSteps: 20, Sampler: Euler, "
      "CFG scale: 7, Seed: 1, Size: 64x64");
  EXPECT_THAT(unmet_fields(markup), ElementsAre("Prompt=(red:1.2)", "Negative prompt=(b:2)"));
}

TEST(Replay, WhatWasChosenCounts) {
  const Replay replay = of_text(
      "x\nSteps: 20, Sampler: UniPC, Schedule type: SGM Uniform, CFG scale: 7, Seed: 1, Size: 64x64, "
      "Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: R-ESRGAN 4x+" +
          kOurs,
      {.sampler = "euler", .schedule = "karras", .hires_upscaler = "lanczos"});
  const auto made = task_of<GenerateOptions>(replay);
  EXPECT_EQ(made.sampler, "euler");
  EXPECT_EQ(made.schedule, "karras");
  EXPECT_EQ(made.hires->upscaler, "lanczos");
  EXPECT_THAT(unmet_fields(replay),
              ElementsAre("Sampler=UniPC", "Schedule type=SGM Uniform", "Hires upscaler=R-ESRGAN 4x+"));
}

TEST(Replay, GraphsOfComfy) {
  const Infotext graph{.prompt = "scenery",
                       .negative_prompt = "",
                       .fields = {{"Steps", "20"},
                                  {"Sampler", "dpmpp_2m"},
                                  {"Schedule type", "karras"},
                                  {"Seed", "7"},
                                  {"Size", "512x512"},
                                  {"Denoising strength", "1"}}};
  const Replay words = replay_of(graph, SettingsForm::comfy_graph, kOwnSize);
  EXPECT_THAT(words.unmet, IsEmpty());
  EXPECT_EQ(task_of<GenerateOptions>(words).rng, "cpu");
  EXPECT_EQ(task_of<GenerateOptions>(words).cfg, 1);
  Infotext weaker = graph;
  weaker.fields.back().second = "0.6";
  const Replay picture = replay_of(weaker, SettingsForm::comfy_graph, kOwnSize);
  EXPECT_EQ(task_of<TransformOptions>(picture).strength, 0.6);
  EXPECT_THAT(unmet_fields(picture), ElementsAre("Denoising strength=0.6"));
}

TEST(Replay, Refusals) {
  struct Refused {
    std::string text;
    ErrorCategory category;
    std::string message;
  };
  const std::string rest = ", CFG scale: 7, Size: 64x64";
  for (const Refused& c : {
           Refused{"Sampler: Euler, Seed: 1" + rest, ErrorCategory::usage, "[Steps] the picture does not tell it"},
           {"Steps: 2, Seed: 1" + rest, ErrorCategory::usage, "[Sampler] the picture does not tell it"},
           {"Steps: 2, Sampler: Euler" + rest, ErrorCategory::usage, "[Seed] the picture does not tell it"},
           {"Steps: 2, Sampler: Euler, Seed: 1", ErrorCategory::usage, "[CFG scale] the picture does not tell it"},
           {"Steps: 2, Sampler: UniPC, Seed: 1" + rest, ErrorCategory::usage,
            "found 'UniPC': with another this would not be the same picture; --sampler chooses one all the same"},
           {"Steps: 2, Sampler: Euler, Schedule type: Beta, Seed: 1" + rest, ErrorCategory::usage,
            "found 'Beta': with another this would not be the same picture; --schedule chooses"},
           {"Steps: 2, Sampler: Euler, Hires upscale: 2, Hires upscaler: ESRGAN, Seed: 1" + rest, ErrorCategory::usage,
            "found 'ESRGAN': with another this would not be the same picture; --hires-upscaler chooses"},
           {"Steps: 2, Sampler: Euler, RNG: dice, Seed: 1" + rest, ErrorCategory::usage, "[rng] expected one of"},
           {"Steps: many, Sampler: Euler, Seed: 1" + rest, ErrorCategory::format,
            "[Steps] expected a number in the picture's settings, found 'many'"},
           {"Steps: 2, Sampler: Euler, Seed: -1" + rest, ErrorCategory::format, "[Seed] expected a number"},
           {"Steps: 2, Sampler: Euler, Seed: 1, CFG scale: 7, Size: 64", ErrorCategory::format,
            "[Size] expected two numbers in the picture's settings, found '64'"},
           {"Steps: 2, Sampler: Euler, Outpaint: up, Seed: 1" + rest, ErrorCategory::format,
            "[Outpaint] expected left=N"},
           {"Steps: 2, Sampler: Euler, Zero terminal SNR: yes, Seed: 1" + rest, ErrorCategory::format,
            "[Zero terminal SNR] expected true or false"},
       }) {
    SCOPED_TRACE(c.text);
    try {
      of_text("x\n" + c.text);
      ADD_FAILURE() << "not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), c.category);
      EXPECT_THAT(error.what(), ::testing::HasSubstr(c.message));
    }
  }
}

}  // namespace
}  // namespace safelight

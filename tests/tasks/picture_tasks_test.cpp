// What the tasks that start from pictures promise, and what they refuse.
#include "tasks/picture_tasks.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <set>

#include "image/region.h"
#include "support/expect_error.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;

// --- transform ------------------------------------------------------------------------------------------------------

TEST_F(PictureTasks, TransformTakesThePicturesSizeOrAnother) {
  TransformOptions wanted{.generate = small(), .picture = Picture(75, 70), .strength = 0.5};
  const Made own = made(model(), wanted);
  EXPECT_EQ(own.picture.width, 72);
  EXPECT_EQ(own.picture.height, 64);
  EXPECT_EQ(own.report.steps_run, 1);
  EXPECT_EQ(own.report.encode_tiles, 1);
  EXPECT_EQ(*own.info.find("Denoising strength"), "0.5");
  EXPECT_EQ(*own.info.find("Size"), "72x64");
  wanted.generate.width = 96;
  wanted.resize = ResizeMode::fill;
  EXPECT_EQ(made(model(), wanted).picture.width, 96);
}

TEST_F(PictureTasks, APictureOfABatchHasTheBitsThatItHasAlone) {
  TransformOptions wanted{.generate = small(), .picture = golden_picture(), .strength = 1};
  wanted.generate.sampler = "euler_a";
  wanted.generate.count = 3;
  std::vector<std::vector<std::uint8_t>> together;
  const GenerateReport report =
      transform(model(), wanted, [&](const GeneratedPicture& made) { together.push_back(made.picture.rgb); });
  EXPECT_EQ(report.batch, 3);
  wanted.generate.batch = 2;
  std::vector<std::vector<std::uint8_t>> by_two;
  EXPECT_EQ(transform(model(), wanted, [&](const GeneratedPicture& m) { by_two.push_back(m.picture.rgb); }).batch, 2);
  EXPECT_EQ(by_two, together);
  wanted.generate.count = 1;
  wanted.generate.seed = 3;
  EXPECT_EQ(made(model(), wanted).picture.rgb, together[2]);
}

TEST_F(PictureTasks, StopWhenCancelledWhileEncoding) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "model.safetensors", test::tiny_file());
  CancelToken token;
  Model cancelled = Model::open(folder / "model.safetensors", {.on_progress =
                                                                   [&](const Progress& p) {
                                                                     EXPECT_NE(p.stage, "step");
                                                                     if (p.stage == "encode") token.cancel();
                                                                   },
                                                               .cancel = &token});
  EXPECT_ERROR(transform(cancelled, {.generate = small(), .picture = golden_picture()}, {}), cancelled, "cancelled");
}

TEST_F(PictureTasks, StrengthMustBeEnoughForAStep) {
  const auto refused = [&](double strength, const char* message) {
    const TransformOptions wanted{.generate = small(), .picture = golden_picture(), .strength = strength};
    EXPECT_ERROR(transform(model(), wanted, {}), usage, message);
  };
  for (const double strength : {0.0, -0.5, 1.01, std::nan("")})
    refused(strength, "[strength] expected more than 0, and at most 1, found ");
  refused(0.4, "[strength] 0.4 of 2 steps is less than one step: expected 0.5 or more");
}

TEST_F(PictureTasks, TransformRefusesWhatDoesNotFit) {
  TransformOptions wanted{.generate = small(), .picture = golden_picture()};
  wanted.picture = Picture();
  EXPECT_ERROR(transform(model(), wanted, {}), usage, "[input] expected a picture, found 0 x 0 pixels");
  wanted.picture = golden_picture();
  wanted.generate.hires = HiresOptions{.scale = 2};
  EXPECT_ERROR(transform(model(), wanted, {}), usage, "[hires] expected none");
  wanted.generate.hires.reset();
  wanted.generate.width = 63;
  EXPECT_ERROR(transform(model(), wanted, {}), usage, "[width] expected a multiple of 8");
  wanted.generate.width = 0;
  wanted.encoder_noise = Tensor::from(std::vector<float>(4), {1, 4, 1, 1});
  EXPECT_ERROR(transform(model(), wanted, {}), usage, "[encoder-noise] expected shape [1, 4, 8, 12]");
  wanted.encoder_noise = {};
  wanted.generate.batch = -1;
  EXPECT_ERROR(transform(model(), wanted, {}), usage, "[batch] expected 1 or more");
  wanted.generate.batch = 0;
  wanted.generate.max_memory = 1'000'000;
  EXPECT_ERROR(transform(model(), wanted, {}), limit, "[max-memory] 96 x 64 pixels need at least ");
  wanted.generate.initial_latents = Tensor::from(std::vector<float>(4), {1, 4, 1, 1});
  EXPECT_ERROR(transform(model(), wanted, {}), usage, "[init-latents] expected 12 x 8 latent pixels, found 1 x 1");
}

// --- the wrong model ------------------------------------------------------------------------------------------------

TEST_F(PictureTasks, AModelForAnotherTaskIsRefusedAndItsUseNamed) {
  const Picture picture = golden_picture();
  EXPECT_ERROR(transform(model(9), {.generate = small(), .picture = picture}, {}), model,
               "whose UNet takes 9 channels; expected a model that needs 4. This one is for inpaint and outpaint");
  EXPECT_ERROR(transform(model(8), {.generate = small(), .picture = picture}, {}), model, "This one is for edit");
  EXPECT_ERROR(generate(model(9), small(), {}), model, "This one is for inpaint and outpaint");
  EXPECT_ERROR(
      edit(model(4), {.generate = small(), .picture = picture}, {}), model,
      "whose UNet takes 4 channels; expected a model that needs 8. This one is for generate, transform, inpaint");
  EXPECT_ERROR(edit(model(9), {.generate = small(), .picture = picture}, {}), model, "expected a model that needs 8");
  EXPECT_ERROR(inpaint(model(8), {.generate = small(), .picture = picture, .mask = golden_mask("mask")}, {}), model,
               "[inpaint] ");
  EXPECT_ERROR(outpaint(model(8), {.generate = small(), .picture = picture, .extension = {.left = 8}}, {}), model,
               "[outpaint] ");
}

// --- edit -----------------------------------------------------------------------------------------------------------

TEST_F(PictureTasks, EditFollowsBothScales) {
  EditPictureOptions wanted{.generate = small(), .picture = golden_picture()};
  const Made first = made(model(8), wanted);
  EXPECT_EQ(*first.info.find("Image CFG scale"), "1.5");
  EXPECT_EQ(first.info.find("Denoising strength"), nullptr);
  wanted.image_cfg = 3;
  EXPECT_NE(made(model(8), wanted).latents, first.latents);
  wanted.image_cfg = std::nan("");
  EXPECT_ERROR(edit(model(8), wanted, {}), usage, "[image-cfg] expected a number");
}

// The latents that it sees are not multiplied by the VAE's factor; those that transform() starts from are, and edit()
// has none to start from. Both models have the same VAE.
TEST_F(PictureTasks, EditSeesUnscaledLatentsAndStartsFromNoise) {
  std::vector<float> seen, scaled;
  EditPictureOptions edited{.generate = small(), .picture = golden_picture()};
  edited.generate.inspect = [&](const Snapshot& s) {
    EXPECT_NE(s.name, "picture_latents");
    if (s.name == "seen_latents") seen.assign(s.tensor.floats().begin(), s.tensor.floats().end());
  };
  edit(model(8), edited, [](const GeneratedPicture&) {});
  TransformOptions transformed{.generate = small(), .picture = golden_picture()};
  transformed.generate.inspect = [&](const Snapshot& s) {
    if (s.name == "picture_latents") scaled.assign(s.tensor.floats().begin(), s.tensor.floats().end());
  };
  transform(model(), transformed, [](const GeneratedPicture&) {});
  ASSERT_FALSE(seen.empty());
  for (float& value : seen) value *= 0.18215F;
  EXPECT_LT(relative(seen, scaled), 1e-6);
}

// --- inpaint --------------------------------------------------------------------------------------------------------

std::int64_t changed_outside(const Picture& before, const Picture& after, const Mask& mask) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < mask.values.size(); ++i)
    for (std::size_t c = 0; c < 3; ++c) count += mask.values[i] == 0 && before.rgb[3 * i + c] != after.rgb[3 * i + c];
  return count;
}

TEST_F(PictureTasks, PixelsOutsideTheMaskKeepTheirBits) {
  Picture picture(77, 61);  // no multiples of 8
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 7 % 251);
  Mask mask(77, 61);
  for (std::int64_t y = 11; y < 40; ++y)
    for (std::int64_t x = 50; x < 77; ++x) mask.at(x, y) = x < 60 ? 100 : 255;
  for (const std::int64_t channels : {4, 9})
    for (const bool only_masked : {false, true})
      for (const MaskedContent content :
           {MaskedContent::fill, MaskedContent::original, MaskedContent::latent_noise, MaskedContent::latent_nothing}) {
        InpaintOptions wanted{.generate = small(),
                              .picture = picture,
                              .mask = mask,
                              .strength = 0.5,
                              .content = content,
                              .only_masked = only_masked,
                              .padding = 4};
        if (only_masked) wanted.generate.width = wanted.generate.height = 64;
        const Made result = made(model(channels), wanted);
        ASSERT_EQ(result.picture.width, 77);
        ASSERT_EQ(result.picture.height, 61);
        EXPECT_EQ(changed_outside(picture, result.picture, mask), 0);
        EXPECT_NE(result.picture.rgb, picture.rgb);
        EXPECT_EQ(*result.info.find("Mask blur"), "0");
        EXPECT_EQ(result.info.find("Inpaint area") != nullptr, only_masked);
        EXPECT_EQ(result.info.find("Masked content") != nullptr, content != MaskedContent::original);
        EXPECT_EQ(*result.info.find("Size"), only_masked ? "64x64" : "80x64");
      }
  InpaintOptions whole{.generate = small(), .picture = picture, .mask = mask, .composite = false};
  EXPECT_GT(changed_outside(picture, made(model(), whole).picture, mask), 1000);
  whole.composite = true;
  whole.invert = true;
  const Made inverted_mask = made(model(), whole);
  EXPECT_EQ(changed_outside(picture, inverted_mask.picture, inverted(mask)), 0);
  EXPECT_EQ(*inverted_mask.info.find("Mask mode"), "Inpaint not masked");
}

TEST_F(PictureTasks, TheFourContentsDiffer) {
  std::set<std::vector<float>> ends;
  for (const MaskedContent content :
       {MaskedContent::fill, MaskedContent::original, MaskedContent::latent_noise, MaskedContent::latent_nothing})
    ends.insert(made(model(), InpaintOptions{.generate = small(),
                                             .picture = golden_picture(),
                                             .mask = golden_mask("mask"),
                                             .strength = 0.5,
                                             .content = content})
                    .latents.back());
  EXPECT_EQ(ends.size(), 4u);
}

TEST_F(PictureTasks, WarnsOfAContentThatStrengthOneCovers) {
  InpaintOptions wanted{
      .generate = small(), .picture = golden_picture(), .mask = golden_mask("mask"), .content = MaskedContent::fill};
  wanted.generate.steps = 1;
  EXPECT_THAT(made(model(), wanted).report.warnings,
              ::testing::ElementsAre("the masked content fill has no effect with strength 1, which begins with noise "
                                     "alone"));
  wanted.content = MaskedContent::original;
  EXPECT_THAT(made(model(), wanted).report.warnings, ::testing::IsEmpty());
}

TEST_F(PictureTasks, InpaintRefusesWhatDoesNotFit) {
  InpaintOptions wanted{.generate = small(), .picture = golden_picture(), .mask = Mask(64, 96, 255)};
  EXPECT_ERROR(inpaint(model(), wanted, {}), usage,
               "[mask] expected 96 x 64 pixels, the picture's size, found 64 x 96");
  wanted.mask = Mask(96, 64);
  EXPECT_ERROR(inpaint(model(), wanted, {}), usage, "[mask] expected something to repaint, found an empty mask");
  wanted.mask = Mask(96, 64, 255);
  wanted.invert = true;
  EXPECT_ERROR(inpaint(model(), wanted, {}), usage, "found an empty mask");
  wanted.invert = false;
  wanted.generate.width = 64;
  EXPECT_ERROR(inpaint(model(), wanted, {}), usage, "[size] expected none: inpaint keeps the picture's size");
  wanted.only_masked = true;
  wanted.generate.width = 60;
  EXPECT_ERROR(inpaint(model(), wanted, {}), usage, "[width] expected a multiple of 8, found 60");
  wanted.generate.width = 64;
  wanted.padding = -1;
  EXPECT_ERROR(inpaint(model(), wanted, {}), usage, "[padding] expected 0 to 65535 pixels, found -1");
  wanted.padding = 0;
  wanted.mask_blur = -1;
  EXPECT_ERROR(inpaint(model(), wanted, {}), usage, "blur");
  wanted.mask_blur = 0;
  wanted.strength = 0;
  EXPECT_ERROR(inpaint(model(), wanted, {}), usage, "[strength] expected more than 0");
}

// --- outpaint -------------------------------------------------------------------------------------------------------

TEST_F(PictureTasks, OutpaintLeavesThePictureAsItIs) {
  Picture picture(43, 38);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 5 % 253);
  const Extension extension{.left = 13, .top = 0, .right = 6, .bottom = 21};
  for (const std::int64_t channels : {4, 9}) {
    const Made result =
        made(model(channels), OutpaintOptions{.generate = small(), .picture = picture, .extension = extension});
    ASSERT_EQ(result.picture.width, 62);
    ASSERT_EQ(result.picture.height, 59);
    EXPECT_EQ(result.report.width, 62);
    EXPECT_EQ(*result.info.find("Outpaint"), "left=13,top=0,right=6,bottom=21");
    for (std::int64_t y = 0; y < 38; ++y)
      EXPECT_TRUE(std::equal(picture.at(0, y), picture.at(0, y) + 3 * 43, result.picture.at(13, y))) << y;
  }
}

// The mean change from the line `offset` lines beyond the picture's edge to the next one, for each of its four sides;
// across the edge itself for 0.
std::array<double, 4> changes(const Picture& canvas, const Region& known, std::int64_t offset) {
  const auto mean = [&](std::int64_t length, const auto& from, const auto& to) {
    double sum = 0;
    for (std::int64_t i = 0; i < length; ++i)
      for (int c = 0; c < 3; ++c) sum += std::abs(from(i)[c] - to(i)[c]);
    return sum / static_cast<double>(3 * length);
  };
  const auto column = [&](std::int64_t x) {
    return [&canvas, &known, x](std::int64_t i) { return canvas.at(x, known.y + i); };
  };
  const auto row = [&](std::int64_t y) {
    return [&canvas, &known, y](std::int64_t i) { return canvas.at(known.x + i, y); };
  };
  const std::int64_t right = known.x + known.width - 1 + offset, bottom = known.y + known.height - 1 + offset;
  return {mean(known.height, column(known.x - offset), column(known.x - offset - 1)),
          mean(known.width, row(known.y - offset), row(known.y - offset - 1)),
          mean(known.height, column(right), column(right + 1)), mean(known.width, row(bottom), row(bottom + 1))};
}

// What random weights paint has nothing to do with the picture: all that brings them together is what is done about it.
TEST_F(PictureTasks, OutpaintLeavesNoSeam) {
  Picture picture(48, 48);
  for (std::int64_t y = 0; y < 48; ++y)
    for (std::int64_t x = 0; x < 48; ++x)
      for (int c = 0; c < 3; ++c) picture.at(x, y)[c] = static_cast<std::uint8_t>(10 + 20 * c + x / 2 + y / 3);
  const Region known{16, 16, 48, 48};
  for (const std::int64_t channels : {4, 9}) {
    OutpaintOptions wanted{
        .generate = small(), .picture = picture, .extension = {.left = 16, .top = 16, .right = 16, .bottom = 16}};
    const Picture met = made(model(channels), wanted).picture;
    EXPECT_EQ(crop(met, known).rgb, picture.rgb);
    wanted.overlap = 0;
    const Picture unmet = made(model(channels), wanted).picture;
    const auto across = changes(met, known, 0), beyond = changes(met, known, 1), without = changes(unmet, known, 0);
    for (std::size_t side = 0; side < 4; ++side) {
      EXPECT_LT(across[side], 2 * beyond[side]) << channels << " " << side;   // 0.8 to 1.4 are measured
      EXPECT_GT(without[side], 2 * across[side]) << channels << " " << side;  // 2.5 to 5.6
    }
  }
}

TEST_F(PictureTasks, OutpaintRefusesToAddNothing) {
  const auto refused = [&](const Extension& extension, const char* found) {
    const OutpaintOptions wanted{.generate = small(), .picture = golden_picture(), .extension = extension};
    EXPECT_ERROR(outpaint(model(), wanted, {}), usage, found);
  };
  refused({}, "[extend] expected pixels to add, 0 or more on a side and not 0 on all, found left=0,top=0");
  refused({.left = 8, .top = -1}, "found left=8,top=-1,right=0,bottom=0");
  OutpaintOptions wanted{.generate = small(), .picture = golden_picture(), .extension = {.right = 8}};
  wanted.generate.width = 64;
  EXPECT_ERROR(outpaint(model(), wanted, {}), usage, "[size] expected none");
  wanted.generate.width = 0;
  wanted.overlap = -1;
  EXPECT_ERROR(outpaint(model(), wanted, {}), usage, "[overlap] expected 0 to 1024 pixels, found -1");
  wanted.overlap = 1025;
  EXPECT_ERROR(outpaint(model(), wanted, {}), usage, "[overlap] expected 0 to 1024 pixels, found 1025");
  wanted.overlap = 0;
  wanted.extension.right = std::numeric_limits<std::int64_t>::max();
  EXPECT_ERROR(outpaint(model(), wanted, {}), limit, "[extend] expected at most 65535 pixels on a side");
}

// --- the second pass ------------------------------------------------------------------------------------------------

TEST_F(PictureTasks, HiresEnlargesInASecondPass) {
  GenerateOptions wanted = small();
  wanted.width = wanted.height = 64;
  wanted.steps = 4;
  for (const auto& [upscaler, label] : {std::pair{"latent", "Latent"}, {"lanczos", "Lanczos"}}) {
    wanted.hires = HiresOptions{.scale = 1.6, .upscaler = upscaler, .steps = 2, .strength = 0.5};
    std::vector<std::string> seen;
    wanted.inspect = [&](const Snapshot& s) {
      if (s.name.starts_with("hires_")) seen.emplace_back(s.name);
    };
    wanted.count = 2;
    std::vector<Picture> pictures;
    Infotext info;
    const GenerateReport report = generate(model(), wanted, [&](const GeneratedPicture& made) {
      pictures.push_back(made.picture);
      info = parse_infotext(made.infotext);
    });
    ASSERT_EQ(pictures.size(), 2u);
    EXPECT_EQ(pictures[1].width, 96);
    EXPECT_EQ(report.width, 96);
    EXPECT_EQ(report.steps_run, 5);
    EXPECT_THAT(seen, ::testing::UnorderedElementsAre("hires_start_noise", "hires_start_noise", "hires_latents_001",
                                                      "hires_latents_001"));
    EXPECT_EQ(*info.find("Size"), "64x64");
    EXPECT_EQ(*info.find("Denoising strength"), "0.5");
    EXPECT_EQ(*info.find("Hires upscale"), "1.6");
    EXPECT_EQ(*info.find("Hires steps"), "2");
    EXPECT_EQ(*info.find("Hires upscaler"), label);
    wanted.count = 1;
    wanted.seed = 2;
    generate(model(), wanted, [&](const GeneratedPicture& made) { EXPECT_EQ(made.picture.rgb, pictures[1].rgb); });
    wanted.seed = 1;
  }
}

TEST_F(PictureTasks, HiresRefusesWhatDoesNotFit) {
  const auto refused = [&](const HiresOptions& hires, const char* message) {
    GenerateOptions wanted = small();
    wanted.width = wanted.height = 64;
    wanted.hires = hires;
    EXPECT_ERROR(generate(model(), wanted, {}), usage, message);
  };
  refused({}, "[hires] expected a scale or a size, found neither");
  refused({.scale = 2, .width = 128, .height = 128}, "found both");
  refused({.scale = 0.5}, "[hires] expected a scale from 1 to 16, found 0.5");
  refused({.scale = 17}, "[hires] expected a scale from 1 to 16");
  refused({.width = 100, .height = 128}, "[hires] expected a multiple of 8, found 100");
  refused({.scale = 2, .upscaler = "magic"}, "[hires-upscaler] expected one of Latent");
  refused({.scale = 2, .steps = -1}, "[hires-steps] expected 1 or more");
  refused({.scale = 2, .strength = 0}, "[strength] expected more than 0");
}

// --- plans ----------------------------------------------------------------------------------------------------------

TEST_F(PictureTasks, TheForecastKnowsTheEncoderAndBothPasses) {
  const GenerateForecast of_transform =
      forecast(model(), TransformOptions{.generate = small(), .picture = golden_picture(), .strength = 0.5});
  ASSERT_EQ(of_transform.passes.size(), 1u);
  EXPECT_EQ(of_transform.passes[0].encode_tiles, 1);
  EXPECT_GT(of_transform.passes[0].encode.weight_bytes, 0u);
  EXPECT_GT(of_transform.passes[0].encode.activation_bytes, 0u);
  EXPECT_EQ(of_transform.passes[0].steps, 1);
  const GenerateForecast of_edit =
      forecast(model(8), EditPictureOptions{.generate = small(), .picture = golden_picture()});
  EXPECT_GT(of_edit.passes[0].step.activation_bytes, of_transform.passes[0].step.activation_bytes)
      << "three answers instead of two";
  GenerateOptions wanted = small();
  wanted.width = wanted.height = 64;
  wanted.hires = HiresOptions{.scale = 2, .upscaler = "lanczos"};
  const GenerateForecast of_hires = forecast(model(), wanted);
  ASSERT_EQ(of_hires.passes.size(), 2u);
  EXPECT_EQ(of_hires.passes[0].decode_tiles, 1);
  EXPECT_EQ(of_hires.passes[1].encode_tiles, 1);
  EXPECT_EQ(of_hires.passes[1].width, 128);
  EXPECT_EQ(of_hires.width, 128);
}

}  // namespace
}  // namespace safelight::test

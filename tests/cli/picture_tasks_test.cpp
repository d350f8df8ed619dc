// safelight transform, inpaint, outpaint and edit, and generate's second pass, run as a user runs them.
#include <gmock/gmock.h>

#include <algorithm>
#include <span>

#include "cli/program.h"
#include "image/infotext.h"
#include "models/random_checkpoint.h"
#include "safelight/mask.h"
#include "safelight/picture.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Arguments = std::vector<std::string>;

class PictureCommands : public ::testing::Test {
 protected:
  PictureCommands() {
    for (std::size_t i = 0; i < picture_.rgb.size(); ++i) picture_.rgb[i] = static_cast<std::uint8_t>(i * 11 % 241);
    write_picture(inputs_ / "in.png", picture_);
    Picture mask(72, 64);
    for (std::int64_t y = 16; y < 48; ++y) std::fill_n(mask.at(24, y), 3 * 32, std::uint8_t{255});
    write_picture(inputs_ / "mask.png", mask);
  }

  std::string model(std::int64_t channels = 4) {
    const std::filesystem::path path = inputs_ / (std::to_string(channels) + ".safetensors");
    if (!std::filesystem::exists(path)) write_file(path, tiny_file(channels));
    return path;
  }

  // A command with a prompt, a short run and a place for the result; more arguments follow.
  Arguments arguments(const std::string& command, const Arguments& more, const std::string& output = "out.png") {
    Arguments all{command, "-p", "a house", "-o", folder_ / output, "--steps", "2", "--seed", "5"};
    if (std::ranges::find(more, "-m") == more.end()) all.insert(all.end(), {"-m", model()});
    if (command != "generate" && std::ranges::find(more, "-i") == more.end())
      all.insert(all.end(), {"-i", inputs_ / "in.png"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  PictureFile made(const Arguments& all, const std::string& output = "out.png") {
    const Result result = run(all);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_picture(folder_ / output);
  }

  // The one line on the standard error with which it ends, having written nothing.
  std::string refusal(const Arguments& all, int exit_code) {
    const Result result = run(all);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("safelight: "));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(folder_.files(), 0u);
    return result.err;
  }

  TemporaryFolder inputs_, folder_;
  Picture picture_{72, 64};
};

TEST_F(PictureCommands, TransformReadsAndWritesAllFormats) {
  write_picture(inputs_ / "in.jpg", picture_);
  write_picture(inputs_ / "in.webp", picture_);
  for (const auto& [input, output] : {std::pair{"in.jpg", "a.webp"}, {"in.webp", "b.jpg"}, {"in.png", "c.png"}}) {
    const PictureFile file = made(
        arguments("transform", {"-i", inputs_ / input, "--strength", "0.5", "-W", "64", "--resize", "stretch"}, output),
        output);
    EXPECT_EQ(file.picture.width, 64);
    EXPECT_EQ(file.picture.height, 64);
    const Infotext info = parse_infotext(file.text.at("parameters"));
    EXPECT_EQ(info.prompt, "a house");
    EXPECT_EQ(*info.find("Denoising strength"), "0.5");
    EXPECT_EQ(*info.find("Size"), "64x64");
  }
}

TEST_F(PictureCommands, TheJsonSummaryHasTheTasksOptions) {
  const Result transformed = run(arguments("transform", {"--json", "--strength", "0.5", "--count", "2"}));
  ASSERT_EQ(transformed.exit_code, 0) << transformed.err;
  for (const char* part : {"\"strength\":0.5", "\"resize\":\"crop\"", "\"steps_run\":1", "\"batch\":2",
                           "\"encode_ms\":", "\"encode_tiles\":1", "\"width\":72"})
    EXPECT_THAT(transformed.out, HasSubstr(part));
  const Result plan = run(arguments("inpaint", {"--mask", inputs_ / "mask.png", "--plan", "--json"}));
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("\"passes\":[{\"width\":72,\"height\":64,\"steps\":2"));
  const Result text = run(arguments("transform", {"--plan"}));
  EXPECT_THAT(text.out, StartsWith("1 picture of 72 x 64 pixels, 1 step of dpmpp_2m, karras schedule\n"));
  EXPECT_THAT(text.out, HasSubstr("\n  encode "));
}

TEST_F(PictureCommands, InpaintKeepsWhatTheMaskKeeps) {
  const auto unchanged = [&](const PictureFile& file) {
    std::int64_t count = 0;
    for (std::int64_t y = 0; y < 64; ++y)
      for (std::int64_t x = 0; x < 72; ++x)
        count += std::equal(picture_.at(x, y), picture_.at(x, y) + 3, file.picture.at(x, y));
    return count;
  };
  const PictureFile by_file = made(arguments("inpaint", {"--mask", inputs_ / "mask.png"}));
  EXPECT_GE(unchanged(by_file), 72 * 64 - 32 * 32);
  EXPECT_LT(unchanged(by_file), 72 * 64 - 500);
  const PictureFile inverted =
      made(arguments("inpaint", {"--mask", inputs_ / "mask.png", "--invert", "--mask-blur", "0"}));
  EXPECT_EQ(*parse_infotext(inverted.text.at("parameters")).find("Mask mode"), "Inpaint not masked");
  EXPECT_LT(unchanged(inverted), 32 * 32 + 200);
  const PictureFile zoomed =
      made(arguments("inpaint", {"--mask", inputs_ / "mask.png", "--only-masked", "-W", "64", "-H", "64", "--padding",
                                 "8", "--masked-content", "fill", "-m", model(9), "--strength", "0.5"}));
  EXPECT_GE(unchanged(zoomed), 72 * 64 - 32 * 32);
  EXPECT_EQ(*parse_infotext(zoomed.text.at("parameters")).find("Inpaint area"), "Only masked");
}

// As the pixels are kept, a WebP is written that keeps them, too; a JPEG cannot.
TEST_F(PictureCommands, KeptPixelsAreKeptInFilesThatCanDoIt) {
  const PictureFile file = made(arguments("inpaint", {"--mask", inputs_ / "mask.png"}, "out.webp"), "out.webp");
  EXPECT_TRUE(std::equal(picture_.rgb.begin(), picture_.rgb.begin() + 3 * 72 * 16, file.picture.rgb.begin()));
  const PictureFile wide = made(arguments("outpaint", {"--extend", "bottom=8"}, "wide.webp"), "wide.webp");
  EXPECT_TRUE(std::ranges::equal(picture_.rgb, std::span(wide.picture.rgb).first(picture_.rgb.size())));
  const std::string warning = "a JPEG changes all pixels a little";
  const Arguments jpeg = arguments("inpaint", {"--mask", inputs_ / "mask.png"}, "out.jpg");
  EXPECT_THAT(run(jpeg).err, HasSubstr(warning));
  Arguments loose = jpeg;
  loose.push_back("--no-composite");
  EXPECT_THAT(run(loose).err, ::testing::Not(HasSubstr(warning)));
}

TEST_F(PictureCommands, OutpaintAddsToTheSidesThatAreNamed) {
  const PictureFile file = made(arguments("outpaint", {"--extend", "right=9,top=16"}));
  EXPECT_EQ(file.picture.width, 81);
  EXPECT_EQ(file.picture.height, 80);
  for (std::int64_t y = 0; y < 64; ++y)
    EXPECT_TRUE(std::equal(picture_.at(0, y), picture_.at(0, y) + 3 * 72, file.picture.at(0, y + 16)));
}

TEST_F(PictureCommands, EditTakesAnInstruction) {
  Arguments all = arguments("edit", {"-m", model(8), "--image-cfg", "1.2"});
  *std::ranges::find(all, "-p") = "--instruct";
  const PictureFile file = made(all);
  const Infotext info = parse_infotext(file.text.at("parameters"));
  EXPECT_EQ(info.prompt, "a house");
  EXPECT_EQ(*info.find("Image CFG scale"), "1.2");
}

TEST_F(PictureCommands, GenerateHasASecondPass) {
  const PictureFile file = made(arguments("generate", {"-W", "64", "-H", "64", "--hires", "1.5", "--hires-upscaler",
                                                       "lanczos", "--hires-strength", "0.5"}));
  EXPECT_EQ(file.picture.width, 96);
  EXPECT_EQ(*parse_infotext(file.text.at("parameters")).find("Hires upscale"), "1.5");
  EXPECT_EQ(made(arguments("generate", {"-W", "64", "-H", "64", "--hires", "72x80"})).picture.height, 80);
}

TEST_F(PictureCommands, RefuseWhatMakesNoSense) {
  write_file(inputs_ / "text.png", "no picture");
  const std::string mask = inputs_ / "mask.png";
  struct Refused {
    std::string command;
    Arguments more;
    int exit_code;
    const char* says;
  };
  const std::vector<Refused> cases = {
      {"transform", {"-i", inputs_ / "none.png"}, 3, "none.png"},
      {"transform", {"-i", inputs_ / "text.png"}, 4, "text.png"},
      {"transform", {"--strength", "0"}, 2, "[strength] expected more than 0"},
      {"transform", {"--strength", "1.5"}, 2, "[strength] expected more than 0, and at most 1"},
      {"transform", {"--strength", "0.1"}, 2, "is less than one step"},
      {"transform", {"--resize", "magic"}, 2, "magic"},
      {"transform", {"-W", "63"}, 2, "[width] expected a multiple of 8"},
      {"transform", {"--max-memory", "1MB"}, 6, "[max-memory]"},
      {"transform", {"--batch", "-1"}, 2, "[batch]"},
      {"transform", {"-m", model(9)}, 5, "This one is for inpaint and outpaint"},
      {"generate", {"-m", model(8)}, 5, "This one is for edit"},
      {"generate", {"--hires", "big"}, 2, "[hires] expected a scale or WIDTHxHEIGHT, found big"},
      {"generate", {"--hires", "-2"}, 2, "[hires] expected a scale or WIDTHxHEIGHT"},
      {"generate", {"--hires", "100"}, 2, "[hires] expected a scale from 1 to 16"},
      {"inpaint", {}, 2, "[mask] expected --mask, or a picture with transparent parts, found neither"},
      {"inpaint", {"--mask", inputs_ / "none.png"}, 3, "none.png"},
      {"inpaint", {"--mask", mask, "-W", "64"}, 2, "[size] expected none"},
      {"inpaint", {"--mask", mask, "--masked-content", "magic"}, 2, "magic"},
      {"inpaint", {"--mask", mask, "--padding", "-3"}, 2, "[padding]"},
      {"inpaint", {"--mask", mask, "--mask-blur", "-3"}, 2, "blur"},
      {"inpaint", {"--mask", mask, "-m", model(8)}, 5, "This one is for edit"},
      {"outpaint", {"--extend", "left=0"}, 2, "[extend] expected pixels to add"},
      {"outpaint", {"--extend", "left=-8"}, 2, "[extend] expected pixels to add"},
      {"outpaint", {"--extend", "left"}, 2, "[extend] expected left=N,top=N,right=N,bottom=N"},
      {"outpaint", {"--extend", "left=8,left=8"}, 2, "[extend] expected left=N"},
      {"outpaint", {"--extend", "up=8"}, 2, "[extend] expected left=N"},
      {"outpaint", {"--extend", ""}, 2, "[extend] expected left=N"},
      {"outpaint", {"--extend", "left=99999999"}, 6, "[extend] expected at most 65535"},
      {"edit", {}, 5, "expected a model that needs 8"},
      {"edit", {"-m", model(8), "--image-cfg", "nan"}, 2, "[image-cfg]"},
  };
  for (const Refused& c : cases) {
    SCOPED_TRACE(c.command + " " + (c.more.empty() ? "" : c.more.front() + " " + c.more.back()));
    EXPECT_THAT(refusal(arguments(c.command, c.more), c.exit_code), HasSubstr(c.says));
  }
  EXPECT_THAT(refusal({"transform", "-p", "x", "-o", folder_ / "out.png"}, 2), HasSubstr("--input is required"));
  EXPECT_THAT(refusal({"outpaint", "-p", "x", "-i", inputs_ / "in.png"}, 2), HasSubstr("--extend is required"));
}

TEST_F(PictureCommands, AMaskOfAnotherSizeIsRefused) {
  write_picture(inputs_ / "small.png", Picture(64, 64));
  EXPECT_THAT(refusal(arguments("inpaint", {"--mask", inputs_ / "small.png"}), 2),
              HasSubstr("small.png: expected 72 x 64 pixels, the picture's size, found 64 x 64"));
}

}  // namespace
}  // namespace safelight::test

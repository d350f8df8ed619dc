// safelight info, run as a user runs it.
#include <gmock/gmock.h>

#include "cli/program.h"
#include "safelight/picture.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kInfotext =
    "a house,\n\"red\"\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, Seed: 42, Size: 24x16, Model: \"a: b\"";
const std::string kGraph = R"({"3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20, "positive": ["6", 0],
  "latent_image": ["5", 0]}}, "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "scenery"}}})";

class InfoCommand : public ::testing::Test {
 protected:
  std::string picture(const std::string& name, const PictureText& text = {}) {
    write_picture(folder_ / name, Picture(24, 16), text);
    return folder_ / name;
  }

  TemporaryFolder folder_;
};

TEST_F(InfoCommand, SettingsAreATable) {
  for (const std::string name : {"a.png", "a.jpg", "a.webp"}) {
    const Result result = run({"info", picture(name, {{"parameters", kInfotext}})});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr(", 24 x 16\n"
                                      "  Prompt           a house,\n"
                                      "                   \"red\"\n"
                                      "  Negative prompt  rain\n"
                                      "  Steps            20\n"
                                      "  Sampler          Euler a\n"
                                      "  Seed             42\n"
                                      "  Size             24x16\n"
                                      "  Model            a: b\n"))
        << name;
  }
}

// A character that would disturb the terminal is an escape, a backslash is none.
TEST_F(InfoCommand, BackslashesOfAPromptAreShownAsTheyAre) {
  const Result result =
      run({"info", picture("a.png", {{"parameters", "saber \\(fate\\) \x1b[31m\nSteps: 2, Seed: 1, Size: 8x8"}})});
  EXPECT_THAT(result.out, HasSubstr("  Prompt  saber \\(fate\\) \\x1b[31m\n")) << result.err;
}

TEST_F(InfoCommand, WhatCanBeReadIsShownBeforeTheFirstThatCannot) {
  const Result result = run({"info", picture("a.png"), folder_ / "none.png"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.out, HasSubstr("a.png  PNG, 24 x 16\n"));
  EXPECT_THAT(result.err, HasSubstr("none.png"));
}

TEST_F(InfoCommand, Json) {
  const std::string a = picture("a.webp", {{"parameters", kInfotext}}), b = picture("b.png", {{"Comment", "x\ty"}});
  const Result result = run({"info", "--json", a, b});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "{\"pictures\":[{\"path\":\"" + a +
                "\",\"format\":\"WebP\",\"width\":24,\"height\":16,\"orientation\":1,\"transparent\":false,"
                "\"settings_from\":\"infotext\",\"prompt\":\"a house,\\n\\\"red\\\"\",\"negative_prompt\":\"rain\","
                "\"settings\":{\"Steps\":\"20\",\"Sampler\":\"Euler a\",\"Seed\":\"42\",\"Size\":\"24x16\","
                "\"Model\":\"a: b\"},\"other_texts\":{}},{\"path\":\"" +
                b +
                "\",\"format\":\"PNG\",\"width\":24,\"height\":16,\"orientation\":1,\"transparent\":false,"
                "\"settings_from\":null,\"other_texts\":{\"Comment\":\"x\\ty\"}}]}\n");
}

TEST_F(InfoCommand, GraphsOfComfyAndOtherTexts) {
  const Result comfy = run({"info", picture("c.png", {{"prompt", kGraph}, {"workflow", "{}"}})});
  EXPECT_THAT(comfy.out, HasSubstr("c.png  PNG, 24 x 16, made by ComfyUI\n"
                                   "  Prompt  scenery\n"
                                   "  Steps   20\n"
                                   "  Seed    7\n"));
  EXPECT_THAT(comfy.out, ::testing::Not(HasSubstr("text '")));
  EXPECT_THAT(run({"info", picture("o.png", {{"prompt", "no\tgraph"}})}).out,
              HasSubstr("  text 'prompt': no\\tgraph\n"));
  EXPECT_THAT(run({"info", picture("n.jpg")}).out, HasSubstr("  It says nothing about how it was made.\n"));
}

TEST_F(InfoCommand, RefusesWhatItCannotRead) {
  write_file(folder_ / "text.png", "no picture");
  EXPECT_EQ(run({"info"}).exit_code, 2);
  const Result missing = run({"info", folder_ / "none.png"}), other = run({"info", folder_ / "text.png"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_EQ(other.exit_code, 4);
  EXPECT_EQ(other.out, "");
  EXPECT_THAT(other.err, StartsWith("safelight: [picture] "));
  EXPECT_THAT(other.err, HasSubstr("expected a PNG, JPEG or WebP picture"));
}

}  // namespace
}  // namespace safelight::test

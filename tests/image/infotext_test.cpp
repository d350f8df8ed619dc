// The web UI's settings text, written and read.
#include "image/infotext.h"

#include <gmock/gmock.h>

namespace safelight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Infotext, IsWrittenAsTheWebUiWritesIt) {
  const Infotext info{.prompt = "a house",
                      .negative_prompt = "rain",
                      .fields = {{"Steps", "25"}, {"Model", "a, b: \"c\\d\"\n"}, {"Seed", "7"}}};
  EXPECT_EQ(format_infotext(info),
            "a house\nNegative prompt: rain\nSteps: 25, Model: \"a, b: \\\"c\\\\d\\\"\\n\", Seed: 7");
}

TEST(Infotext, LeavesOutAnEmptyNegativePrompt) {
  EXPECT_EQ(format_infotext({.prompt = "a", .negative_prompt = "", .fields = {{"Steps", "1"}}}), "a\nSteps: 1");
}

TEST(Infotext, RoundTrip) {
  const Infotext info{.prompt = "two\nlines: of, \"prompt\"",
                      .negative_prompt = "caf\u00e9\nfog",
                      .fields = {{"Steps", "25"},
                                 {"Sampler", "DPM++ 2M"},
                                 {"CFG scale", "7.5"},
                                 {"Size", "512x512"},
                                 {"Model", "odd, \"name\": \\ \t"},
                                 {"Version", "Safelight 1"}}};
  const Infotext read = parse_infotext(format_infotext(info));
  EXPECT_EQ(read.prompt, info.prompt);
  EXPECT_EQ(read.negative_prompt, info.negative_prompt);
  EXPECT_EQ(read.fields, info.fields);
  ASSERT_NE(read.find("Sampler"), nullptr);
  EXPECT_EQ(*read.find("Sampler"), "DPM++ 2M");
  EXPECT_EQ(read.find("sampler"), nullptr);
}

TEST(Infotext, FewerThanThreeSettingsAreProse) {
  const Infotext info = parse_infotext("a poem\nroses: red, violets: blue");
  EXPECT_EQ(info.prompt, "a poem\nroses: red, violets: blue");
  EXPECT_THAT(info.fields, IsEmpty());
}

TEST(Infotext, SettingsAlone) {
  const Infotext info = parse_infotext("Steps: 20, Sampler: Euler a, Seed: 1");
  EXPECT_EQ(info.prompt, "");
  EXPECT_THAT(info.fields, ElementsAre(Pair("Steps", "20"), Pair("Sampler", "Euler a"), Pair("Seed", "1")));
}

TEST(Infotext, ValuesOfOtherPrograms) {
  const Infotext info = parse_infotext(
      "x\nNegative prompt:   y  \n  z\nSteps: 20, Lora hashes: \"a: 01, b: 02\", Hires prompt: "
      "\"\\u00e9\\ud83e\\udd8a\", open: \"quote, Tiling:, Version: v1.10.1");
  EXPECT_EQ(info.negative_prompt, "y\nz");
  EXPECT_THAT(info.fields, ElementsAre(Pair("Steps", "20"), Pair("Lora hashes", "a: 01, b: 02"),
                                       Pair("Hires prompt", "\u00e9\U0001f98a"), Pair("open", "\"quote"),
                                       Pair("Tiling", ""), Pair("Version", "v1.10.1")));
}

TEST(Infotext, BrokenEscapesStayAsTheyAre) {
  const Infotext info = parse_infotext("a: 1, aa: \"\\q\", bb: \"\\u12\", cc: \"\\ud800x\", dd: \"\\");
  EXPECT_THAT(info.fields, ElementsAre(Pair("aa", "\"\\q\""), Pair("bb", "\"\\u12\""), Pair("cc", "\"\\ud800x\""),
                                       Pair("dd", "\"\\")));
}

TEST(Infotext, AnyTextIsAcceptedInLinearTime) {
  EXPECT_THAT(parse_infotext("").fields, IsEmpty());
  EXPECT_THAT(parse_infotext(" \n\t\n ").fields, IsEmpty());
  // Each would take hours if every character started a search to the end.
  constexpr std::size_t kMany = 1'000'000;
  EXPECT_EQ(parse_infotext(std::string(kMany, 'a')).prompt.size(), kMany);
  std::string quotes;
  while (quotes.size() < kMany) quotes += "aa:\"b,";
  EXPECT_GT(parse_infotext(quotes).fields.size(), 1000u);
}

}  // namespace
}  // namespace safelight

#include "image/typeset.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace safelight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Typeface, WiderTextIsWider) {
  const Typeface typeface(16);
  EXPECT_EQ(typeface.width(""), 0);
  EXPECT_GT(typeface.width("mm"), typeface.width("m"));
  EXPECT_GT(typeface.width("m"), typeface.width("i"));
  EXPECT_GT(Typeface(32).width("word"), typeface.width("word"));
  EXPECT_GE(typeface.line_height(), 16);
}

TEST(Typeface, WrapsBetweenWords) {
  const Typeface typeface(16);
  const int width = typeface.width("a red house");
  EXPECT_THAT(typeface.wrap("a  red\thouse\nby a lake", width, 9), ElementsAre("a red house", "by a lake"));
  EXPECT_THAT(typeface.wrap(" \n ", width, 9), IsEmpty());
}

TEST(Typeface, EndsWithAnEllipsisWhenThereIsNoRoom) {
  const Typeface typeface(16);
  const int width = typeface.width("a red house");
  const std::vector<std::string> lines = typeface.wrap("a red house by a lake at night, with two boats", width, 2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines.back().ends_with("\u2026")) << lines.back();
  EXPECT_LE(typeface.width(lines.back()), width);
}

TEST(Typeface, CutsAWordThatIsTooLongAtACharacter) {
  const Typeface typeface(16);
  std::string word;
  for (int i = 0; i < 40; ++i) word += "\u00e9";
  const std::vector<std::string> lines = typeface.wrap(word, typeface.width("\u00e9\u00e9\u00e9"), 100);
  std::string joined;
  for (const std::string& line : lines) {
    EXPECT_EQ(line.size() % 2, 0u);
    joined += line;
  }
  EXPECT_EQ(joined, word);
  EXPECT_EQ(lines.size(), 14u);
}

TEST(Typeface, NoWidthIsTooSmallAndNoByteTooOdd) {
  const Typeface typeface(16);
  EXPECT_EQ(typeface.wrap("abc", 1, 100).size(), 3u);  // one character a line
  EXPECT_GT(typeface.width("\xff\xc3"), 0);
  EXPECT_EQ(typeface.wrap(std::string(100000, 'x'), 50, 3).size(), 3u);
}

TEST(Typeface, DrawsInkInsideThePictureOnly) {
  const Typeface typeface(16);
  Picture picture(40, 24);
  typeface.draw(picture, "Hill", 2, 2, {255, 0, 128});
  const auto ink = [](const Picture& p) { return std::ranges::count_if(p.rgb, [](std::uint8_t v) { return v > 0; }); };
  EXPECT_GT(ink(picture), 40);
  EXPECT_EQ(std::ranges::count_if(picture.rgb, [i = 0](std::uint8_t v) mutable { return i++ % 3 == 1 && v > 0; }), 0);
  Picture outside(8, 8);
  typeface.draw(outside, "Hill", -200, -200, {255, 255, 255});
  typeface.draw(outside, "Hill", 100, 100, {255, 255, 255});
  EXPECT_EQ(ink(outside), 0);
  typeface.draw(outside, "Hill", -4, -4, {255, 255, 255});  // cut off on two sides
  EXPECT_GT(ink(outside), 0);
}

}  // namespace
}  // namespace safelight

#include "tasks/text_rows.h"

#include <gmock/gmock.h>

#include "models/followed_texts.h"

namespace safelight {
namespace {

using ::testing::ElementsAre;

constexpr std::int64_t kNegative = kNegativeRow, kPrompt = kPromptRow;

TextRows rows(const std::vector<std::int64_t>& texts, bool blank) { return text_rows(texts, blank); }

TEST(TextRows, EachTextIsReadOnce) {
  const TextRows guided = rows({kNegative, kNegative, kPrompt, kPrompt}, false);
  EXPECT_THAT(guided.read, ElementsAre(kNegative, kPrompt));
  EXPECT_THAT(guided.followed, ElementsAre(0, 0, 1, 1));
  const TextRows one = rows({kPrompt, kPrompt}, false);
  EXPECT_THAT(one.read, ElementsAre(kPrompt));
  EXPECT_THAT(one.followed, ElementsAre(0, 0));
}

TEST(TextRows, ABlankOneIsNot) {
  const TextRows guided = rows({kNegative, kNegative, kPrompt}, true);
  EXPECT_THAT(guided.read, ElementsAre(kPrompt));
  EXPECT_THAT(guided.followed, ElementsAre(kBlankText, kBlankText, 0));
}

TEST(TextRows, ABlankOneAloneIs) {
  const TextRows alone = rows({kNegative, kNegative}, true);
  EXPECT_THAT(alone.read, ElementsAre(kNegative));
  EXPECT_THAT(alone.followed, ElementsAre(0, 0));
}

}  // namespace
}  // namespace safelight

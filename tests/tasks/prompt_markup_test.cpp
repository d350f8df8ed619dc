#include "tasks/prompt_markup.h"

#include <gtest/gtest.h>

namespace safelight {
namespace {

TEST(PromptMarkup, IsFound) {
  EXPECT_EQ(unread_markup("a (red:1.2) house"), "(red:1.2)");
  EXPECT_EQ(unread_markup("((a red house:0.8))"), "(a red house:0.8)");
  EXPECT_EQ(unread_markup("house, <lora:paper_v2:0.7>, night"), "<lora:paper_v2:0.7>");
  EXPECT_EQ(unread_markup("<hypernet:x:1>"), "<hypernet:x:1>");
  EXPECT_EQ(unread_markup("(b) (at 5:30) (c:2)"), "(at 5:30)") << "as in A1111";
}

// A1111 takes the backslashes of "saber \(fate\)" away, and so makes another picture of it.
TEST(PromptMarkup, EveryEscapeIsFound) {
  EXPECT_EQ(unread_markup("saber \\(fate\\)"), "\\(");
  EXPECT_EQ(unread_markup("fate\\)"), "\\)");
  EXPECT_EQ(unread_markup("\\[x"), "\\[");
  EXPECT_EQ(unread_markup("x\\]"), "\\]");
  EXPECT_EQ(unread_markup("\\\\"), "\\\\");
  EXPECT_EQ(unread_markup("a \\(red:1.2) house"), "\\(");
}

TEST(PromptMarkup, BreakIsAWordOfItsOwn) {
  for (const char* text : {"BREAK", "a house BREAK a lake", "a house,BREAK,a lake", "TIEBREAK BREAK", "a\nBREAK"})
    EXPECT_EQ(unread_markup(text), "BREAK") << text;
  for (const char* text : {"TIEBREAK", "a JAILBREAK", "BREAKFAST", "break", "BREAK_IN", "PR\u00c9BREAK", "BREA", "B"})
    EXPECT_EQ(unread_markup(text), "") << text;
}

TEST(PromptMarkup, TextIsNot) {
  for (const char* text : {"", "a house (red)", "(a:b)", "(a:)", "(a:1", "a:1)", "<3", "<lora:x", "<lora:x<3>",
                           "(a (b):1.2)", "<lora>", "(", "a\\b", "\\"})
    EXPECT_EQ(unread_markup(text), "") << text;
}

}  // namespace
}  // namespace safelight

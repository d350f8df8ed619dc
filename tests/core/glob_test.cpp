#include "core/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace safelight {
namespace {

TEST(Glob, Fits) {
  EXPECT_TRUE(glob_fits("", ""));
  EXPECT_TRUE(glob_fits("abc", "abc"));
  EXPECT_FALSE(glob_fits("abc", "abcd"));
  EXPECT_FALSE(glob_fits("abcd", "abc"));
  EXPECT_TRUE(glob_fits("*", ""));
  EXPECT_TRUE(glob_fits("model.*.weight", "model.a.b/c.weight"));
  EXPECT_FALSE(glob_fits("model.*.weight", "model.weight"));
  EXPECT_TRUE(glob_fits("*a*b*", "xxaxaxb"));
  EXPECT_TRUE(glob_fits("a?c", "abc"));
  EXPECT_FALSE(glob_fits("a?c", "ac"));
  EXPECT_TRUE(glob_fits("**a", "aaa"));
}

TEST(Glob, Sets) {
  EXPECT_TRUE(glob_fits("b[0-3].w", "b2.w"));
  EXPECT_FALSE(glob_fits("b[0-3].w", "b4.w"));
  EXPECT_TRUE(glob_fits("[!x-z]*", "abc"));
  EXPECT_FALSE(glob_fits("[!x-z]*", "yes"));
  EXPECT_TRUE(glob_fits("[]]", "]"));
  EXPECT_TRUE(glob_fits("[a-]", "-"));
  EXPECT_TRUE(glob_fits("[a", "[a"));
  EXPECT_TRUE(glob_fits("\\*x", "*x"));
  EXPECT_FALSE(glob_fits("\\*x", "axx"));
  EXPECT_TRUE(glob_fits("\\", "\\"));
}

// Trying every way would take longer than the world has been there.
TEST(Glob, ManyStarsTakeNoTime) {
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "*a";
  EXPECT_FALSE(glob_fits(pattern + "b", std::string(5000, 'a')));
}

}  // namespace
}  // namespace safelight

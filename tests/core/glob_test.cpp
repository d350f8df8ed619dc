#include "core/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace safelight {
namespace {

TEST(Glob, Matches) {
  for (const auto& [pattern, text] : {
           std::pair{"", ""},
           {"*", ""},
           {"*", "a.b/c"},
           {"a", "a"},
           {"a*", "a"},
           {"a*c", "abcbc"},
           {"*.bias", "x.bias"},
           {"?", "a"},
           {"?", "\xC3\xA9"},
           {"*?", "\xC3\xA9"},
           {"a?c", "a.c"},
           {"[ab]x", "bx"},
           {"[!ab]x", "cx"},
           {"[^ab]x", "cx"},
           {"[a-c]", "b"},
           {"[]]", "]"},
           {"[!]]", "a"},
           {"[a-]", "-"},
           {"\\*", "*"},
           {"\\[a]", "[a]"},
           {"[", "["},
           {"[a", "[a"},
           {"w[0]", "w[0]"},
           {"a\\", "a\\"},
           {"**a**", "bab"},
           {"*a*b*c*", "xxaxxbxxcxx"},
           {"blocks.*.weight", "blocks.10.attn.weight"},
       })
    EXPECT_TRUE(glob_match(pattern, text)) << pattern << " on " << text;
}

TEST(Glob, DoesNotMatch) {
  for (const auto& [pattern, text] : {
           std::pair{"", "a"},
           {"a", ""},
           {"a", "A"},
           {"a", "ab"},
           {"?", ""},
           {"??", "\xC3\xA9"},
           {"[ab]", "c"},
           {"[!ab]", "a"},
           {"[a-c]", "d"},
           {"[ab]", ""},
           {"\\*", "a"},
           {"*.bias", "x.bias.y"},
           {"a*c", "ab"},
           {"*a*b", "ba"},
       })
    EXPECT_FALSE(glob_match(pattern, text)) << pattern << " on " << text;
}

// A matcher that tries every * again would take for ever.
TEST(Glob, HostilePatternsTakeLittleTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace safelight

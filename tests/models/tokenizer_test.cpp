// The tokenizer against transformers' (tests/golden/tokenizer.py), its report of what was cut, and bad prompts.
#include "models/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "safelight/error.h"
#include "safelight/safetensors.h"

namespace safelight {
namespace {

using testing::Each;
using testing::HasSubstr;

constexpr std::size_t kPositions = 77;

const ClipTokenizer& tokenizer() {
  static const ClipTokenizer one;
  return one;
}

class Golden {
 public:
  Golden() : file_(SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/tokenizer/prompts.safetensors")) {}

  std::vector<std::int32_t> integers(const std::string& name) const {
    const Tensor t = file_.tensor(name);
    std::vector<std::int32_t> values(static_cast<std::size_t>(t.elements()));
    std::memcpy(values.data(), t.data(), t.bytes());
    return values;
  }

  std::vector<std::string> prompts() const {
    const Tensor bytes = file_.tensor("prompts");
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    std::vector<std::string> result;
    std::int32_t begin = 0;
    for (const std::int32_t end : integers("ends")) {
      result.emplace_back(text + begin, text + end);
      begin = end;
    }
    return result;
  }

 private:
  SafeTensors file_;
};

std::vector<std::int32_t> row(const std::vector<std::int32_t>& ids, std::size_t index) {
  const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(index * kPositions);
  return {begin, begin + kPositions};
}

TEST(Tokenizer, EqualsTransformersOn200AwkwardPrompts) {
  const Golden golden;
  const std::vector<std::string> prompts = golden.prompts();
  const auto ids = golden.integers("ids"), tokens = golden.integers("tokens");
  ASSERT_EQ(prompts.size(), 200u);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const TokenizedPrompt ours = tokenizer()(prompts[i]);
    EXPECT_EQ(ours.ids, row(ids, i)) << "prompt " << i << ": " << prompts[i];
    EXPECT_EQ(ours.tokens, tokens[i]) << "prompt " << i << ": " << prompts[i];
    EXPECT_EQ(ours.cut, std::max(0, tokens[i] - 75)) << "prompt " << i << ": " << prompts[i];
  }
}

// Whoever looks at bytes splits "caf\u00e9" before its last letter, and leaves a capital one as it is.
TEST(Tokenizer, LettersBeyondAsciiAreLettersAndLoseTheirCase) {
  const TokenizedPrompt cafe = tokenizer()("caf\u00e9");
  EXPECT_EQ(cafe.tokens, 1);
  EXPECT_EQ(tokenizer()("CAF\u00c9").ids, cafe.ids);
  EXPECT_EQ(tokenizer()("cafe\u0301").ids, cafe.ids) << "a mark by itself";
  EXPECT_EQ(tokenizer()("\u041c\u041e\u0421\u041a\u0412\u0410").ids,
            tokenizer()("\u043c\u043e\u0441\u043a\u0432\u0430").ids);
}

// A million letters in one word, a million marks on one letter, a million short words: a quadratic step anywhere (in
// merging, or in ordering marks) would take hours, not the fraction of a second that this takes.
TEST(Tokenizer, AMillionOfAnythingIsNoTrap) {
  constexpr std::int64_t kCount = 1'000'000;
  std::string word, marks = "e", short_words;
  for (std::int64_t i = 0; i < kCount; ++i) word += static_cast<char>('a' + i * i / 7 % 26);
  for (std::int64_t i = 0; i < kCount / 2; ++i) marks += "\u0301\u0316";
  for (std::int64_t i = 0; i < kCount / 4; ++i) short_words += "a b ";
  const Golden golden;
  const auto ids = golden.integers("long.ids"), tokens = golden.integers("long.tokens");
  std::size_t index = 0;
  for (const std::string& prompt : {word, marks, short_words}) {
    const TokenizedPrompt ours = tokenizer()(prompt);
    EXPECT_EQ(ours.ids, row(ids, index)) << index;
    EXPECT_EQ(ours.tokens, tokens[index]) << index;
    ++index;
  }
}

TEST(Tokenizer, TheEmptyPromptIsStartAndEnds) {
  const TokenizedPrompt empty = tokenizer()({});
  ASSERT_EQ(empty.ids.size(), kPositions);
  EXPECT_EQ(empty.ids.front(), ClipTokenizer::kStart);
  EXPECT_THAT(std::vector(empty.ids.begin() + 1, empty.ids.end()), Each(ClipTokenizer::kEnd));
  EXPECT_EQ(empty.tokens, 0);
  EXPECT_EQ(empty.cut, 0);
}

// As OpenCLIP's: its tokenizer in diffusers pads with "!", token 0.
TEST(Tokenizer, PadsWithWhatIsAskedForAfterOneEnd) {
  const std::vector<std::int32_t> usual = tokenizer()("a house").ids, other = tokenizer()("a house", 0).ids;
  ASSERT_EQ(other.size(), kPositions);
  EXPECT_TRUE(std::equal(usual.begin(), usual.begin() + 4, other.begin()));
  EXPECT_EQ(other[3], ClipTokenizer::kEnd);
  EXPECT_THAT(std::vector(other.begin() + 4, other.end()), Each(0));
}

TEST(Tokenizer, ExactlyWhatFitsIsNotCut) {
  std::string prompt;
  for (int i = 0; i < 75; ++i) prompt += "Cat ";
  const TokenizedPrompt full = tokenizer()(prompt);
  EXPECT_EQ(full.tokens, 75);
  EXPECT_EQ(full.cut, 0);
  EXPECT_EQ(full.cut_text, "");
  EXPECT_EQ(full.ids.back(), ClipTokenizer::kEnd);

  const TokenizedPrompt over = tokenizer()(prompt + "Red,  DOG\n\xC3\x89T\xC3\x89");
  EXPECT_EQ(over.ids, full.ids);
  EXPECT_EQ(over.cut_text, "red, dog \xC3\xA9t\xC3\xA9");
  EXPECT_EQ(over.cut, over.tokens - 75);
}

TEST(Tokenizer, AWordThatLosesItsEndIsReportedWhole) {
  const ClipTokenizer small(5);  // room for 3
  const TokenizedPrompt result = small("a antidisestablishmentarianism <|endoftext|>");
  EXPECT_EQ(result.ids.size(), 5u);
  EXPECT_GT(result.tokens, 4);
  EXPECT_EQ(result.cut, result.tokens - 3);
  EXPECT_EQ(result.cut_text, "antidisestablishmentarianism <|endoftext|>");
  EXPECT_EQ(small("a cat").ids, (std::vector<std::int32_t>{49406, 320, 2368, 49407, 49407}));
}

// Error(usage) that names this byte.
void expect_refused_at(const std::string& prompt, std::size_t offset) {
  try {
    tokenizer()(prompt);
    ADD_FAILURE() << "accepted; expected an error at byte " << offset;
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), ErrorCategory::usage);
    EXPECT_TRUE(std::string_view(e.what()).ends_with(" at byte " + std::to_string(offset))) << e.what();
  }
}

TEST(Tokenizer, RefusesInvalidUtf8NamingTheByte) {
  expect_refused_at("\xFF", 0);
  expect_refused_at("cat \x80", 4);                         // continuation without a beginning
  expect_refused_at("\xC3\xA9\xC3", 2);                     // cut off
  expect_refused_at("a\xE2\x82 b", 1);                      // cut off within the text
  expect_refused_at("ab\xC0\xAF", 2);                       // "/" in two bytes
  expect_refused_at("\xE0\x80\xAF", 0);                     // "/" in three
  expect_refused_at("abc\xED\xA0\x80", 3);                  // surrogate U+D800
  expect_refused_at("abc\xED\xBF\xBF", 3);                  // surrogate U+DFFF
  expect_refused_at("\xF4\x90\x80\x80", 0);                 // U+110000
  expect_refused_at("\xF5\x80\x80\x80", 0);                 // beyond
  expect_refused_at("a<|endoftext|>\xFE", 14);              // after a special token
  expect_refused_at(std::string("nul\0", 4) + "\xC3(", 4);  // after a NUL
}

TEST(Tokenizer, RefusesAPromptBeyond64MiB) {
  try {
    tokenizer()(std::string((std::size_t{64} << 20) + 1, ' '));
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), ErrorCategory::limit);
    EXPECT_THAT(e.what(), HasSubstr("67108865"));
  }
}

}  // namespace
}  // namespace safelight

// From a prompt to token ids: special tokens, clean-up, words, byte-pair encoding, and what fits the positions.
#include "models/tokenizer.h"

#include <algorithm>
#include <cassert>

#include "core/fail.h"
#include "models/byte_pair_encoding.h"
#include "models/prompt_words.h"

namespace safelight {
namespace {

// Far beyond any prompt, and small enough for 32-bit positions within a word.
constexpr std::size_t kMaxPromptBytes = std::size_t{64} << 20;

// Calls other(part) for what lies between the occurrences of `token` in `text`, and found() for each of these, in
// order.
template <class Char, class Other, class Found>
void split_at(std::basic_string_view<Char> token, std::basic_string_view<Char> text, Other other, Found found) {
  while (true) {
    const std::size_t position = text.find(token);
    other(text.substr(0, position));
    if (position == text.npos) return;
    found();
    text.remove_prefix(position + token.size());
  }
}

// Takes the prompt's tokens, word by word; keeps those that fit and the words of those that do not.
class Collector {
 public:
  Collector(std::int64_t positions, TokenizedPrompt& result) : room_(positions - 2), result_(result) {
    result_.ids.push_back(ClipTokenizer::kStart);
  }

  void add(const Word& word, const std::vector<std::int32_t>& tokens) {
    for (const std::int32_t token : tokens)
      if (result_.tokens++ < room_) result_.ids.push_back(token);
    if (result_.tokens <= room_) return;
    if (word.spaced && !result_.cut_text.empty()) result_.cut_text += ' ';
    result_.cut_text += word.bytes;
  }

  void finish(std::int32_t padding) {
    result_.cut = std::max<std::int64_t>(0, result_.tokens - room_);
    result_.ids.push_back(ClipTokenizer::kEnd);
    result_.ids.resize(static_cast<std::size_t>(room_ + 2), padding);
  }

 private:
  std::int64_t room_;
  TokenizedPrompt& result_;
};

// The vocabulary: a constant, which is read when the first tokenizer is made, and stays for who tokenizes while the
// program ends.
const BytePairEncoding& encoding() {
  static const BytePairEncoding& shared = *new const BytePairEncoding;
  return shared;
}

}  // namespace

ClipTokenizer::ClipTokenizer(std::int64_t positions) : positions_(positions) {
  assert(positions >= 2);
  encoding();
}

TokenizedPrompt ClipTokenizer::operator()(std::string_view prompt, std::int32_t padding) const {
  if (prompt.size() > kMaxPromptBytes)
    fail(ErrorCategory::limit, "[tokenizer] expected a prompt of at most {} bytes, found {}", kMaxPromptBytes,
         prompt.size());
  expect_utf8(prompt);
  TokenizedPrompt result;
  Collector collector(positions_, result);
  std::vector<std::int32_t> tokens;
  const auto encode = [&](std::u32string_view text) {
    for (const Word& word : words(text)) {
      tokens.clear();
      encoding().encode(word.bytes, tokens);
      collector.add(word, tokens);
    }
  };
  // As published, the end token is looked for in the prompt as written, the start token after clean-up, where capitals
  // are small letters.
  constexpr std::string_view kEndText = "<|endoftext|>";
  constexpr std::string_view kStartText = "<|startoftext|>";
  constexpr std::u32string_view kCleanStartText = U"<|startoftext|>";
  split_at(
      kEndText, prompt,
      [&](std::string_view part) {
        const std::u32string cleaned = clean(part);
        split_at(kCleanStartText, std::u32string_view(cleaned), encode, [&] {
          collector.add({std::string(kStartText), true}, {kStart});
        });
      },
      [&] {
        collector.add({std::string(kEndText), true}, {kEnd});
      });
  collector.finish(padding);
  return result;
}

}  // namespace safelight

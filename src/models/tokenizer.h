// CLIP's tokenizer (Radford et al. 2021): a prompt becomes the token ids of the text encoder's positions.
// Token for token what transformers' CLIPTokenizer makes with the files published beside Stable Diffusion 1, 2 and XL.
// (OpenAI's own first repairs mojibake and HTML entities; transformers does not, and neither do we.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace safelight {

struct TokenizedPrompt {
  std::vector<std::int32_t> ids;  // start token, the prompt's tokens, end token; then padding
  std::int64_t tokens = 0;        // of the whole prompt, start and end not counted
  std::int64_t cut = 0;           // how many of these found no place
  std::string cut_text;  // the words that lost tokens, lower-cased; of the first, a beginning may have been kept
};

// Const calls are safe from several threads.
class ClipTokenizer {
 public:
  static constexpr std::int32_t kStart = 49406, kEnd = 49407;
  static constexpr std::int32_t kTokens = 49408;

  // The first one reads the vocabulary, which is part of the program: some 12 ms. REQUIRES: positions >= 2.
  explicit ClipTokenizer(std::int64_t positions = 77);

  // Time and memory grow linearly with the prompt (n log n within one word). The empty prompt is allowed. `padding` is
  // what stands at the positions that are left: text encoders differ in what they saw there in training.
  // Throws Error(usage) with the byte offset if it is not valid UTF-8.
  TokenizedPrompt operator()(std::string_view prompt, std::int32_t padding = kEnd) const;

  std::int64_t positions() const noexcept { return positions_; }

 private:
  std::int64_t positions_;
};

}  // namespace safelight

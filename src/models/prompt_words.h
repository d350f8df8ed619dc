// How CLIP's tokenizer reads a prompt: Unicode clean-up, then words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace safelight {

// Throws Error(usage) naming the byte offset if `prompt` is not valid UTF-8.
void expect_utf8(std::string_view prompt);

// The text in normal form C, then lower case, each code point by itself (a final sigma is not special). n log n in its
// length whatever it holds. REQUIRES: valid UTF-8.
std::u32string clean(std::string_view text);

struct Word {
  std::string bytes;  // UTF-8, never empty
  bool spaced;        // is there white space before it?
};

// Cuts a cleaned text into contractions ('s 't 're 've 'm 'll 'd), runs of letters, single digits, and runs of whatever
// else is not white space. A word that begins by spelling the end token in full is cut at its bars: "<|" "endoftext"
// "|>" (only text that had capitals there comes so far; see ClipTokenizer).
std::vector<Word> words(std::u32string_view text);

}  // namespace safelight

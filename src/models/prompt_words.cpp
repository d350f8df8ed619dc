// Normal form, lower case and word boundaries, with utf8proc's tables of Unicode.
#include "models/prompt_words.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/fail.h"
#include "core/utf8.h"

namespace safelight {
namespace {

enum class Kind { space, letter, number, other };

Kind kind(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Kind::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Kind::number;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return Kind::space;
    default:  // Unicode's White_Space is the three above and these control characters
      return (c >= U'\t' && c <= U'\r') || c == U'\x85' ? Kind::space : Kind::other;
  }
}

// Canonical decomposition of every code point, marks not yet in order.
std::vector<utf8proc_int32_t> decompose(std::string_view text) {
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  std::array<utf8proc_int32_t, 8> parts;  // the longest decomposition has 4
  int boundary = 0;
  while (!text.empty()) {
    const auto code = static_cast<utf8proc_int32_t>(take_code_point(text).value());
    const auto count =
        utf8proc_decompose_char(code, parts.data(), static_cast<utf8proc_ssize_t>(parts.size()),
                                static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), &boundary);
    codes.insert(codes.end(), parts.begin(), parts.begin() + count);
  }
  return codes;
}

// Canonical order: every run of marks by combining class. utf8proc's own is quadratic in the run, which a prompt of
// nothing but marks would turn into hours.
void order_marks(std::vector<utf8proc_int32_t>& codes) {
  const auto combining = [](utf8proc_int32_t code) { return utf8proc_get_property(code)->combining_class; };
  const auto is_mark = [&](utf8proc_int32_t code) { return combining(code) != 0; };
  for (auto begin = codes.begin(); begin != codes.end();) {
    begin = std::find_if(begin, codes.end(), is_mark);
    const auto end = std::find_if_not(begin, codes.end(), is_mark);
    std::stable_sort(begin, end, [&](auto a, auto b) { return combining(a) < combining(b); });
    begin = end;
  }
}

// Of all code points only U+0130, the dotted capital I, has two in lower case.
constexpr utf8proc_int32_t kDottedCapitalI = 0x130;
constexpr char32_t kDotAbove = 0x307;

std::size_t contraction(std::u32string_view text) {
  for (const std::u32string_view one : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"})
    if (text.starts_with(one)) return one.size();
  return 0;
}

// How many code points the word at the beginning of `text` has. REQUIRES: it begins with no white space.
std::size_t word_length(std::u32string_view text) {
  if (const std::size_t length = contraction(text)) return length;
  const Kind first = kind(text.front());
  if (first == Kind::number) return 1;
  const auto end = std::find_if_not(text.begin(), text.end(), [&](char32_t c) { return kind(c) == first; });
  return static_cast<std::size_t>(end - text.begin());
}

std::string to_utf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  std::array<utf8proc_uint8_t, 4> encoded;
  for (const char32_t c : text) {
    const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), encoded.data());
    bytes.append(encoded.begin(), encoded.begin() + count);
  }
  return bytes;
}

}  // namespace

void expect_utf8(std::string_view prompt) {
  for (std::string_view rest = prompt; !rest.empty();) {
    const std::size_t offset = prompt.size() - rest.size();
    if (!take_code_point(rest))
      fail(ErrorCategory::usage,
           "[tokenizer] expected a prompt in UTF-8, found an invalid sequence (0x{:02X} ...) at byte {}",
           static_cast<unsigned char>(prompt[offset]), offset);
  }
}

std::u32string clean(std::string_view text) {
  std::vector<utf8proc_int32_t> codes = decompose(text);
  order_marks(codes);
  const auto composed = utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                                                 static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  codes.resize(static_cast<std::size_t>(composed));
  std::u32string cleaned;
  cleaned.reserve(codes.size());
  for (const utf8proc_int32_t code : codes) {
    cleaned += static_cast<char32_t>(utf8proc_tolower(code));
    if (code == kDottedCapitalI) cleaned += kDotAbove;
  }
  return cleaned;
}

std::vector<Word> words(std::u32string_view text) {
  constexpr std::u32string_view kEndToken = U"<|endoftext|>";
  constexpr std::size_t kBars = 2;  // code points of "<|" and of "|>"
  std::vector<Word> result;
  bool spaced = false;
  const auto take = [&](std::size_t length) {
    result.push_back({to_utf8(text.substr(0, length)), spaced});
    text.remove_prefix(length);
    spaced = false;
  };
  while (!text.empty()) {
    if (kind(text.front()) == Kind::space) {
      spaced = true;
      text.remove_prefix(1);
    } else if (text.starts_with(kEndToken)) {
      take(kBars);
      take(kEndToken.size() - 2 * kBars);
      take(kBars);
    } else {
      take(word_length(text));
    }
  }
  return result;
}

}  // namespace safelight

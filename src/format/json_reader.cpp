#include "format/json_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "core/printable.h"
#include "core/utf8.h"
#include "format/rules.h"

namespace safelight {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t in_every_byte(unsigned char c) { return 0x0101010101010101u * c; }

// The high bit of every zero byte is set in the result; above the first of them, other bits may be, too.
constexpr std::uint64_t zero_bytes(std::uint64_t bytes) { return (bytes - in_every_byte(1)) & ~bytes; }

// The first quote, backslash or control character in [p, end), or end. Eight characters at a time: strings are most of
// a header.
const char* string_stop(const char* p, const char* end) noexcept {
  for (; end - p >= 8; p += 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, p, sizeof bytes);
    const std::uint64_t stops = (zero_bytes(bytes ^ in_every_byte('"')) | zero_bytes(bytes ^ in_every_byte('\\')) |
                                 ((bytes - in_every_byte(0x20)) & ~bytes)) &
                                in_every_byte(0x80);
    if (stops != 0) return p + std::countr_zero(stops) / 8;
  }
  return std::find_if(p, end, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}

// What a letter after a backslash stands for; NUL for none.
char unescaped(char letter) noexcept {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

// By character: whether a number or literal ends before it.
constexpr std::array<bool, 256> kEndsWord = [] {
  std::array<bool, 256> ends{};
  for (const char c : std::string_view(" \n\t\r,:\"[]{}")) ends[static_cast<unsigned char>(c)] = true;
  return ends;
}();

}  // namespace

std::string_view JsonReader::string() {
  expect('"');
  const char* const start = next_;
  next_ = string_stop(start, end_);
  if (next_ == end_ || *next_ != '"') return escaped_string(start, next_);
  return {start, static_cast<std::size_t>(next_++ - start)};
}

// A string that begins at `start` and has no end, an escape or a control character at `stop`.
std::string_view JsonReader::escaped_string(const char* start, const char* stop) {
  decoded_.assign(start, stop);
  while (next_ != end_ && *next_ != '"') {
    if (*next_ != '\\')
      broken(Rule::json_syntax, "a control character in a string, at byte {}", origin_ + (next_ - begin_));
    ++next_;
    if (const char plain = next_ != end_ ? unescaped(*next_) : '\0'; plain != '\0')
      decoded_ += plain, ++next_;
    else
      append_utf8(decoded_, escaped_code_point());
    stop = string_stop(next_, end_);
    decoded_.append(next_, stop);
    next_ = stop;
  }
  if (next_ == end_) broken(Rule::json_syntax, "the string at byte {} has no end", origin_ + (start - 1 - begin_));
  ++next_;
  return decoded_;
}

// After a backslash: uXXXX, or two of them for a code point beyond 16 bits.
char32_t JsonReader::escaped_code_point() {
  const std::size_t where = origin_ + static_cast<std::size_t>(next_ - 1 - begin_);
  if (next_ == end_ || *next_ != 'u') broken(Rule::json_syntax, "an escape that JSON does not know, at byte {}", where);
  const char32_t first = hex_digits();
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first < 0xDC00 && end_ - next_ >= 2 && next_[0] == '\\' && next_[1] == 'u') {
    ++next_;
    const char32_t second = hex_digits();
    if (second >= 0xDC00 && second <= 0xDFFF) return 0x10000 + ((first - 0xD800) << 10 | (second - 0xDC00));
  }
  broken(Rule::json_syntax, "a lone surrogate in a string, at byte {}", where);
}

// Takes the 'u' and its four digits.
char32_t JsonReader::hex_digits() {
  char32_t value = 0;
  const char* const u = next_++;
  for (int i = 0; i < 4; ++i) {
    const char c = next_ != end_ ? *next_ : '\0';
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) broken(Rule::json_syntax, "expected four hexadecimal digits at byte {}", origin_ + (u + 1 - begin_));
    value = value << 4 | static_cast<char32_t>(digit);
    ++next_;
  }
  return value;
}

std::string_view JsonReader::word() noexcept {
  peek();
  const char* const start = next_;
  while (next_ != end_ && !kEndsWord[static_cast<unsigned char>(*next_)]) ++next_;
  return {start, static_cast<std::size_t>(next_ - start)};
}

std::string JsonReader::found(std::string_view word) {
  constexpr std::size_t kShown = 24;
  if (!word.empty()) return printable(word, kShown);
  peek();
  return next_ == end_ ? "the end of the header" : printable({next_, 1});
}

void JsonReader::expect_end() {
  peek();
  if (next_ != end_)
    broken(Rule::json_syntax, "expected the end of the header at byte {}, found {}", offset(), found({}));
}

void JsonReader::fail_ended() {
  broken(Rule::json_syntax, "the header ends at byte {}, where a value was expected", offset());
}

void JsonReader::fail_expecting(char c) {
  broken(Rule::json_syntax, "expected '{}' at byte {}, found {}", c, offset(), found({}));
}

}  // namespace safelight

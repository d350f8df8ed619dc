#include "format/foreign/pickle_text.h"

#include <charconv>
#include <cstdint>

#include "core/utf8.h"

namespace safelight::foreign {
namespace {

// All `digits` as a number in this base, or nothing.
std::optional<std::uint32_t> parse_digits(std::string_view digits, int base) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// The escapes of one letter.
char simple_escape(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return letter;
    default:
      return 0;
  }
}

// Takes one escape, the backslash already taken, off `text`. False for what Python refuses.
bool take_escape(std::string_view& text, std::string& out) {
  if (text.empty()) return false;
  if (const char c = simple_escape(text[0])) {
    out += c;
    text.remove_prefix(1);
  } else if (text[0] == 'x') {
    const auto value = text.size() >= 3 ? parse_digits(text.substr(1, 2), 16) : std::nullopt;
    if (!value) return false;
    out += static_cast<char>(*value);
    text.remove_prefix(3);
  } else if (text[0] >= '0' && text[0] <= '7') {
    std::size_t length = 1;
    while (length < 3 && length < text.size() && text[length] >= '0' && text[length] <= '7') ++length;
    out += static_cast<char>(*parse_digits(text.substr(0, length), 8));
    text.remove_prefix(length);
  } else {  // an unknown escape stands for itself
    out += '\\';
  }
  return true;
}

}  // namespace

std::optional<std::string> decode_unicode_line(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    const std::size_t digits = line.starts_with("\\u") ? 4 : line.starts_with("\\U") ? 8 : 0;
    if (digits == 0) {
      // "\\" is two backslashes in this encoding, of which neither begins an escape
      const std::size_t plain = line.starts_with("\\\\") ? 2 : 1;
      for (std::size_t i = 0; i < plain; ++i) append_utf8(out, static_cast<unsigned char>(line[i]));
      line.remove_prefix(plain);
      continue;
    }
    if (line.size() < 2 + digits) return std::nullopt;
    const auto value = parse_digits(line.substr(2, digits), 16);
    if (!value || *value > 0x10FFFF) return std::nullopt;
    append_utf8(out, *value);
    line.remove_prefix(2 + digits);
  }
  return out;
}

std::optional<std::string> decode_quoted_line(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) line.remove_suffix(1);
  if (line.size() < 2 || line.front() != line.back() || (line.front() != '\'' && line.front() != '"'))
    return std::nullopt;
  line = line.substr(1, line.size() - 2);
  std::string out;
  while (!line.empty()) {
    const char c = line[0];
    line.remove_prefix(1);
    if (c != '\\')
      out += c;
    else if (!take_escape(line, out))
      return std::nullopt;
  }
  return out;
}

std::optional<std::string> utf8_to_latin1(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto c = take_code_point(text);
    if (!c || *c > 0xFF) return std::nullopt;
    out += static_cast<char>(*c);
  }
  return out;
}

}  // namespace safelight::foreign

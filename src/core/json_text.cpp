#include "core/json_text.h"

#include <fmt/format.h>

#include <iterator>

#include "core/utf8.h"

namespace safelight {
namespace {

// The letter of the short escape, or 0.
char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // where the characters begin that are copied as they are
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = short_escape(text[i]);
    const auto code = static_cast<unsigned char>(text[i]);
    if (letter == 0 && code >= 0x20) continue;
    out += text.substr(plain, i - plain);
    plain = i + 1;
    if (letter != 0) {
      out += '\\';
      out += letter;
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(code));
    }
  }
  out += text.substr(plain);
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    if (take_code_point(text))
      valid += before.substr(0, before.size() - text.size());
    else
      valid += "\xEF\xBF\xBD";
  }
  std::string out;
  append_json_string(out, valid);
  return out;
}

}  // namespace safelight

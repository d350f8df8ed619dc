#include "core/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/utf8.h"

namespace safelight {
namespace {

struct Range {
  char32_t first, last;
};

// Characters that show as nothing, or change how their neighbours are shown.
constexpr Range kDeceptive[] = {
    {0x7F, 0x9F},       // delete and the C1 controls
    {0xAD, 0xAD},       // soft hyphen
    {0x34F, 0x34F},     // combining grapheme joiner
    {0x61C, 0x61C},     // Arabic letter mark
    {0x115F, 0x1160},   // Hangul fillers
    {0x180E, 0x180E},   // Mongolian vowel separator
    {0x200B, 0x200F},   // zero-width characters, left-to-right and right-to-left marks
    {0x2028, 0x202E},   // line and paragraph separators, bidirectional embeddings and overrides
    {0x2060, 0x206F},   // word joiner, bidirectional isolates, deprecated format characters
    {0x3164, 0x3164},   // Hangul filler
    {0xFE00, 0xFE0F},   // variation selectors
    {0xFEFF, 0xFEFF},   // byte order mark
    {0xFFA0, 0xFFA0},   // half-width Hangul filler
    {0xFFF9, 0xFFFB},   // interlinear annotation
    {0xE0000, 0xE0FFF}  // tags and more variation selectors
};

bool deceptive(char32_t c) {
  return std::any_of(std::begin(kDeceptive), std::end(kDeceptive),
                     [c](Range r) { return c >= r.first && c <= r.last; });
}

void append_escape(std::string& out, char32_t c) {
  switch (c) {
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\\':
      out += "\\\\";
      break;
    default:
      if (c < 0x80)
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(c));
      else
        fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", static_cast<unsigned>(c));
  }
}

// Appends the first character of `rest`, escaped if need be, and takes it off.
void append_printable(std::string& out, std::string_view& rest) {
  const std::string_view before = rest;
  const std::optional<char32_t> code = take_code_point(rest);
  if (!code)
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(before[0]));
  else if (*code < 0x20 || *code == '\\' || deceptive(*code))
    append_escape(out, *code);
  else
    out += before.substr(0, before.size() - rest.size());
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_printable(out, text);
  return out;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  std::string_view rest = text;
  for (std::size_t i = 0; i < limit && !rest.empty(); ++i) append_printable(out, rest);
  if (!rest.empty()) out += fmt::format("... ({} bytes)", text.size());
  return out;
}

}  // namespace safelight

#include "image/infotext.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "core/utf8.h"

namespace safelight {
namespace {

constexpr std::string_view kNegative = "Negative prompt:";
constexpr std::string_view kWhitespace = " \t\r\n\f\v";
constexpr std::size_t kFewestSettings = 3;

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhitespace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhitespace) - begin + 1);
}

std::string in_quotes(std::string_view value) {
  if (value.find_first_of(",:\n") == std::string_view::npos) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// The number after "\u", if four hexadecimal digits follow at `at`.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  if (error != std::errc{} || end != text.data() + at + 4) return std::nullopt;
  return value;
}

// One \u escape at text[at] (after the 'u'), a surrogate pair taken together. Advances `at`; nullopt if malformed.
std::optional<std::uint32_t> unicode_escape(std::string_view text, std::size_t& at) {
  const std::optional<std::uint32_t> high = hex4(text, at);
  if (!high) return std::nullopt;
  at += 4;
  if (*high < 0xD800 || *high > 0xDFFF) return high;
  if (*high > 0xDBFF || text.substr(at, 2) != "\\u") return std::nullopt;
  const std::optional<std::uint32_t> low = hex4(text, at + 2);
  if (!low || *low < 0xDC00 || *low > 0xDFFF) return std::nullopt;
  at += 6;
  return 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00);
}

// A value as it was before quoting; one that is no JSON string stays as it is, as in the web UI.
std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  const std::string_view inner = value.substr(1, value.size() - 2);
  constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  std::string out;
  for (std::size_t i = 0; i < inner.size();) {
    if (inner[i] != '\\') {
      out += inner[i++];
      continue;
    }
    if (++i == inner.size()) return std::string(value);
    const char escape = inner[i++];
    if (escape == 'u') {
      const std::optional<std::uint32_t> code = unicode_escape(inner, i);
      if (!code) return std::string(value);
      append_utf8(out, *code);
    } else if (const std::size_t index = kEscapes.find(escape); index != std::string_view::npos) {
      out += kMeanings[index];
    } else {
      return std::string(value);
    }
  }
  return out;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name_char(char c) { return is_letter(c) || c == ' ' || c == '-' || c == '/'; }

std::size_t skip(std::string_view line, std::size_t at, bool (*belongs)(char)) {
  while (at < line.size() && belongs(line[at])) ++at;
  return at;
}

// End of the quoted value that starts at line[at], if there is one and a comma or the end follows it.
std::optional<std::size_t> quoted_end(std::string_view line, std::size_t at) {
  if (at >= line.size() || line[at] != '"') return std::nullopt;
  std::size_t end = at + 1;
  while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2 : 1;
  if (end >= line.size() || end == at + 1) return std::nullopt;  // open, or empty
  ++end;
  return end == line.size() || line[end] == ',' ? std::optional(end) : std::nullopt;
}

// All "name: value" settings of a line. A name starts with a letter and has two characters or more.
std::vector<std::pair<std::string, std::string>> settings(std::string_view line) {
  std::vector<std::pair<std::string, std::string>> found;
  std::size_t at = 0;
  while (at < line.size()) {
    if (!is_letter(line[at])) {
      ++at;
      continue;
    }
    const std::size_t name_end = skip(line, at, is_name_char);
    if (name_end == line.size() || line[name_end] != ':' || name_end - at < 2) {
      at = name_end;  // no start within this run can do better
      continue;
    }
    const std::size_t value =
        skip(line, name_end + 1, [](char c) { return kWhitespace.find(c) != std::string_view::npos; });
    const std::size_t end = quoted_end(line, value).value_or(std::min(line.find(',', value), line.size()));
    found.emplace_back(line.substr(at, name_end - at), unquoted(line.substr(value, end - value)));
    at = end + 1;
  }
  return found;
}

void append_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

}  // namespace

const std::string* Infotext::find(std::string_view name) const noexcept {
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
  return field == fields.end() ? nullptr : &field->second;
}

std::string format_infotext(const Infotext& info) {
  std::string text = info.prompt;
  if (!info.negative_prompt.empty()) text += fmt::format("\n{} {}", kNegative, info.negative_prompt);
  text += '\n';
  for (std::size_t i = 0; i < info.fields.size(); ++i)
    text += fmt::format("{}{}: {}", i ? ", " : "", info.fields[i].first, in_quotes(info.fields[i].second));
  return text;
}

Infotext parse_infotext(std::string_view text) {
  Infotext info;
  text = trim(text);
  const std::size_t last_break = text.rfind('\n');
  const std::string_view last = last_break == std::string_view::npos ? text : text.substr(last_break + 1);
  info.fields = settings(last);
  if (info.fields.size() < kFewestSettings)
    info.fields.clear();
  else
    text = text.substr(0, last_break == std::string_view::npos ? 0 : last_break);

  bool negative = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(kNegative)) {
      negative = true;
      line = trim(line.substr(kNegative.size()));
    }
    append_line(negative ? info.negative_prompt : info.prompt, line);
  }
  return info;
}

}  // namespace safelight

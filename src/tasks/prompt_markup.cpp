#include "tasks/prompt_markup.h"

#include <algorithm>
#include <array>

namespace safelight {
namespace {

constexpr std::array<std::string_view, 3> kNetworks{"<lora:", "<lyco:", "<hypernet:"};

// REQUIRES: `text` begins with '<'.
std::string_view network(std::string_view text) noexcept {
  const std::size_t end = text.find_first_of("<>", 1);
  if (end == std::string_view::npos || text[end] == '<') return {};
  const bool is_one = std::ranges::any_of(kNetworks, [&](std::string_view begin) { return text.starts_with(begin); });
  return is_one ? text.substr(0, end + 1) : std::string_view();
}

// "(text:number)". REQUIRES: `text` begins with '('.
std::string_view weight(std::string_view text) noexcept {
  const std::size_t end = text.find_first_of("()", 1);
  if (end == std::string_view::npos || text[end] == '(') return {};
  const std::size_t colon = text.substr(0, end).rfind(':');
  if (colon == std::string_view::npos || colon + 1 == end) return {};
  const bool is_number =
      text.substr(colon + 1, end - colon - 1).find_first_not_of("0123456789. ") == std::string_view::npos;
  return is_number ? text.substr(0, end + 1) : std::string_view();
}

// "\(": A1111 takes the backslash away. REQUIRES: `text` begins with a backslash.
std::string_view escape(std::string_view text) noexcept {
  const bool is_one = text.size() > 1 && std::string_view("()[]\\").find(text[1]) != std::string_view::npos;
  return is_one ? text.substr(0, 2) : std::string_view();
}

bool is_word_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

// A word of its own, not the end of another such as "TIEBREAK". REQUIRES: `at` < `text.size()`.
std::string_view separator(std::string_view text, std::size_t at) noexcept {
  constexpr std::string_view kBreak = "BREAK";
  if (text.substr(at, kBreak.size()) != kBreak) return {};
  const std::size_t end = at + kBreak.size();
  const bool begins = at == 0 || !is_word_character(text[at - 1]);
  const bool ends = end == text.size() || !is_word_character(text[end]);
  return begins && ends ? text.substr(at, kBreak.size()) : std::string_view();
}

}  // namespace

std::string_view unread_markup(std::string_view prompt) noexcept {
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    std::string_view found;
    if (prompt[i] == '<') found = network(prompt.substr(i));
    if (prompt[i] == '(') found = weight(prompt.substr(i));
    if (prompt[i] == '\\') found = escape(prompt.substr(i));
    if (prompt[i] == 'B') found = separator(prompt, i);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace safelight

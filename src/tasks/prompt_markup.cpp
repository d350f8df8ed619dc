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

}  // namespace

std::string_view unread_markup(std::string_view prompt) noexcept {
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    const bool escaped = i > 0 && prompt[i - 1] == '\\';
    std::string_view found;
    if (prompt[i] == '<') found = network(prompt.substr(i));
    if (prompt[i] == '(' && !escaped) found = weight(prompt.substr(i));
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace safelight

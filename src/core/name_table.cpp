#include "core/name_table.h"

#include <algorithm>

namespace safelight {

std::string folded(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (c == ' ' || c == '-' || c == '_') continue;
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

bool matches(const Names& names, std::string_view name) {
  const std::string wanted = folded(name);
  const auto is_wanted = [&](std::string_view known) { return folded(known) == wanted; };
  return is_wanted(names.name) || is_wanted(names.label) || std::ranges::any_of(names.aliases, is_wanted);
}

}  // namespace safelight

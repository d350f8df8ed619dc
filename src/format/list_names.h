// Names of tensors in one-line messages.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "format/rules.h"

namespace safelight {

// "\"a\", \"b\", \"c\" and 12 more".
inline std::string list_names(const std::vector<std::string_view>& names) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += fmt::format("{}\"{}\"", i > 0 ? ", " : "", shown(names[i]));
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

}  // namespace safelight

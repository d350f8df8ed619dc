// Patterns for names.
#pragma once

#include <string_view>

namespace safelight {

// Whether the whole text fits the pattern: * stands for any text (dots and slashes included), ? for one character,
// [abc], [a-z] and [!a-z] for one character of a set (of ASCII), a backslash takes the meaning from what follows.
// A [ that is never closed means itself. A text always fits itself, so that a name can be given as it is shown. Time:
// at most pattern times text.
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

}  // namespace safelight

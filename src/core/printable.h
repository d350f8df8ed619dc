// Text from files and paths, made safe to show on a terminal and in one-line messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace safelight {

// The same text with everything that could deceive or disturb a reader written as an escape: control characters
// (\n, \t, \x1b, ...), bidirectional marks, invisible and line-separating characters (\u202e, ...), bytes that are not
// UTF-8 (\xff), and the backslash itself, so that the result is unambiguous.
std::string printable(std::string_view text);

// The same, cut after `limit` characters of the text; what was cut is told: "abc... (1234 bytes)".
std::string printable(std::string_view text, std::size_t limit);

}  // namespace safelight

// What the progress on the standard error is made of.
#pragma once

#include <string>
#include <string_view>

namespace safelight::cli {

inline constexpr int kLongestBar = 40, kShortestBar = 5;  // columns

// "12 s", "3 min 05 s", "2 h 10 min".
std::string duration(double seconds);

// `share` of `length` columns filled: ━━━───, or ###--- in ASCII.
std::string bar(int length, double share, bool ascii);

// Columns of the terminal on the standard error; 80 if it does not say.
int terminal_width();

// Whether the locale says that terminals understand UTF-8.
bool speaks_utf8();

// Shows the line in place of the one before. At most terminal_width() - 1 columns: a character in the last one makes
// some terminals wrap.
void draw_line(std::string_view line);

}  // namespace safelight::cli

// The text literals of the oldest pickles, which are written as Python source is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace safelight::foreign {

// The line after UNICODE: Latin-1 with \uXXXX and \UXXXXXXXX. Nothing for what Python refuses. The result is UTF-8,
// where a lone surrogate is written as if it were a character.
std::optional<std::string> decode_unicode_line(std::string_view line);

// The line after STRING: quoted, with the escapes of a Python string. Nothing for what Python refuses.
std::optional<std::string> decode_quoted_line(std::string_view line);

// UTF-8 as Latin-1; nothing if a character is beyond Latin-1 or the text is not UTF-8.
std::optional<std::string> utf8_to_latin1(std::string_view text);

}  // namespace safelight::foreign

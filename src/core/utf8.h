// UTF-8, one code point at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace safelight {

// Takes the first code point off `text` and returns it. REQUIRES: text is not empty.
// On a byte that starts no valid sequence (truncated, overlong, a surrogate, above U+10FFFF): takes that byte off and
// returns nothing.
std::optional<char32_t> take_code_point(std::string_view& text) noexcept;

bool is_utf8(std::string_view text) noexcept;

// Appends `code` as UTF-8; a surrogate as if it were a character. REQUIRES: at most U+10FFFF.
void append_utf8(std::string& out, char32_t code);

// Bytes of Latin-1, each of which is a character, as UTF-8.
std::string latin1_to_utf8(std::string_view bytes);

}  // namespace safelight

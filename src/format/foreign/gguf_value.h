// The typed values of GGUF's metadata.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format/foreign/byte_cursor.h"

namespace safelight::foreign {

// Takes a value of this type off the cursor. A text, or a number as text; nothing for a list, which is skipped. Throws
// Error(format) for an unknown type, for lists in lists deeper than four, and for counts beyond the file.
struct GgufValue {
  std::string_view type;  // "string", "u32", ..., "array"
  std::optional<std::string> text;
};
GgufValue take_gguf_value(ByteCursor& cursor, std::uint32_t type);

// Appends type and value; false if `text` is no value of the type with this name.
bool append_gguf_value(std::string& out, std::string_view type, std::string_view text);

}  // namespace safelight::foreign

// What is added to a picture's sides, as people write it: "left=64,right=32".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "safelight/picture.h"

namespace safelight {

// All four sides.
std::string extension_text(const Extension& extension);

// Any of the sides, each at most once, with a whole number; nothing for another text.
std::optional<Extension> parse_extension(std::string_view text);

}  // namespace safelight

// Shell patterns for names.
#pragma once

#include <string_view>

namespace safelight {

// Whether `pattern` fits all of `text`: * is any run of characters (dots and slashes too), ? any one byte, [abc], [a-f]
// and [!abc] one byte of a set, \ takes the meaning from the next. A [ that is never closed means itself.
// Takes time in proportion to the product of the two lengths at worst, and no memory.
bool glob_fits(std::string_view pattern, std::string_view text) noexcept;

}  // namespace safelight

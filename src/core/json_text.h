// Writing JSON.
#pragma once

#include <string>
#include <string_view>

namespace safelight {

// Appends `text` as a JSON string, quotes included, escaped as the SafeTensors reference does: \" \\ \b \f \n \r \t,
// other control characters as \u00xx in lower case, everything else as it is. REQUIRES: UTF-8.
void append_json_string(std::string& out, std::string_view text);

// The same on its own, for text of unknown origin (paths): bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

}  // namespace safelight

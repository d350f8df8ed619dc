// A histogram in one line of text.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace safelight::cli {

// "▁▂▅█▃▁", at most `width` columns, neighbours taken together where there are more bins. The tallest is the fullest
// bin; one that is not empty always shows. In ASCII: " .:-=+*%#".
std::string sparkline(std::span<const std::int64_t> histogram, int width, bool ascii);

}  // namespace safelight::cli

#include "format/limits.h"

#include <fmt/core.h>

namespace safelight {

void over_limit(std::string_view what, std::uint64_t found, std::string_view unit, std::uint64_t limit) {
  throw OverLimit(fmt::format("{} has {} {}, more than the {} allowed", what, found, unit, limit));
}

}  // namespace safelight

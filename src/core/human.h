// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace safelight {

// "812 B", "3.40 KB", "213 MB": powers of 1000, three digits.
std::string human_bytes(std::uint64_t bytes);

// "1,234,567".
std::string human_count(std::uint64_t count);

}  // namespace safelight

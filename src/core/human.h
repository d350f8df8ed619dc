// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace safelight {

// "812 B", "3.40 KB", "213 MB": powers of 1000, three digits.
std::string human_bytes(std::uint64_t bytes);

// "812 bytes", "1,234,567 bytes (1.23 MB)": for messages, where the exact number matters, too.
std::string exact_bytes(std::uint64_t bytes);

// "1,234,567".
std::string human_count(std::uint64_t count);

// "1 tensor", "1,234 tensors". REQUIRES: a noun whose plural has an s.
std::string counted(std::uint64_t count, std::string_view noun);

}  // namespace safelight

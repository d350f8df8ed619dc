// Numbers as people read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace safelight {

// "812 B", "3.40 KB", "213 MB": powers of 1000, three digits.
std::string human_bytes(std::uint64_t bytes);

// The same, but never less than there are: for what is needed.
std::string human_bytes_needed(std::uint64_t bytes);

// "812 bytes", "1,234,567 bytes (1.23 MB)": for messages, where the exact number matters, too.
std::string exact_bytes(std::uint64_t bytes);

// What people write for it: "500", "500MB", "2.5 GB", "3g" (powers of 1000), "5GiB" (powers of 1024). Nothing if it is
// no such text, is no whole number of bytes, or does not fit 64 bits.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

// "1,234,567".
std::string human_count(std::uint64_t count);

// "1 tensor", "1,234 tensors". REQUIRES: a noun whose plural has an s.
std::string counted(std::uint64_t count, std::string_view noun);

}  // namespace safelight

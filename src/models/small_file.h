// Files that are read as a whole: configurations, indexes, descriptions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace safelight {

// Throws Error(io) if it cannot be read or is not a regular file (never waits for a pipe), Error(limit) if it is larger
// than `most` bytes, before anything is read.
std::string read_small_file(const std::filesystem::path& path, std::uint64_t most);

}  // namespace safelight

// Hashes of models that cost next to nothing.
#pragma once

#include <filesystem>
#include <string>

#include "safelight/hash.h"

namespace safelight {

// Those that are cached and still true; all empty if there are none.
FileHashes cached_hashes_of(const std::filesystem::path& file);

// AutoV1, which needs 64 KiB of a file. Throws Error(io).
std::string autov1_of(const std::filesystem::path& file);

}  // namespace safelight

// Hashes of models that cost next to nothing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "safelight/hash.h"

namespace safelight {

// Those that are cached and still true; all empty if there are none.
FileHashes cached_hashes_of(const std::filesystem::path& file);

// AutoV1, which needs 64 KiB of a file. Throws Error(io).
std::string autov1_of(const std::filesystem::path& file);

// Whether `hash`, in lower case, is one of them: AutoV1, AutoV2, AutoV3, SHA-256 of the file or of its data.
bool has_hash(const FileHashes& hashes, std::string_view hash);

}  // namespace safelight

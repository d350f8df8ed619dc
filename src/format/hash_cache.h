// Hashes of large files, kept between runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "safelight/hash.h"

namespace safelight {

// What tells that a file is still the one that was hashed.
struct FileStamp {
  std::filesystem::path path;  // without symbolic links
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds since 1970

  bool operator==(const FileStamp&) const = default;
};

// Of an open file. Nothing if it is not a regular one, or was modified within the last two seconds: another change
// could then leave the same time, whose steps some file systems make that large.
std::optional<FileStamp> stamp_of(int descriptor, const std::filesystem::path& path);

// The same with the hashes that are the beginning of another.
FileHashes with_short_forms(FileHashes hashes);

// An entry of the cache (core/cache.h) for each path; without the short forms.
std::optional<FileHashes> cached_hashes(const FileStamp& stamp);
void cache_hashes(const FileStamp& stamp, const FileHashes& hashes);

}  // namespace safelight

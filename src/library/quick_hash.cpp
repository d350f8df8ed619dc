#include "library/quick_hash.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

#include "core/file_descriptor.h"
#include "core/mapped_file.h"
#include "core/read_fully.h"
#include "core/sha256.h"
#include "format/hash_cache.h"

namespace safelight {

FileHashes cached_hashes_of(const std::filesystem::path& file) {
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe has no writer
  if (!descriptor) return {};
  const auto stamp = stamp_of(descriptor.get(), file);
  const auto cached = stamp ? cached_hashes(*stamp) : std::nullopt;
  return cached ? with_short_forms(*cached) : FileHashes();
}

std::string autov1_of(const std::filesystem::path& file) {
  constexpr std::uint64_t kBegin = 0x100000, kBytes = 0x10000;
  const auto mapped = MappedFile::open(file);
  const std::uint64_t size = mapped->bytes().size(), begin = std::min(kBegin, size);
  std::vector<std::byte> bytes(std::min(kBytes, size - begin));
  read_fully(mapped->descriptor(), file, begin, bytes);
  Sha256 hash;
  hash.update(bytes);
  return hash.hex().substr(0, 8);
}

bool has_hash(const FileHashes& hashes, std::string_view hash) {
  return hash == hashes.autov1 || hash == hashes.autov2 || hash == hashes.autov3 || hash == hashes.sha256 ||
         hash == hashes.data_sha256;
}

}  // namespace safelight

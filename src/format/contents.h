// Reading a whole file: every rule, in the order in which the reference checks them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/mapped_file.h"
#include "format/name_index.h"
#include "safelight/safetensors.h"

namespace safelight {

// What a valid file says.
struct Contents {
  std::uint64_t header_bytes = 0;
  std::vector<TensorInfo> tensors;  // by offset; names are unique
  Metadata metadata;
  NameIndex index;
};

// Throws BrokenRule, OverLimit.
Contents read_contents(std::span<const std::byte> file, const OpenOptions& options);

// The same for a file of which only the first bytes are at hand. REQUIRES: the header is among them, if the file has
// it.
Contents read_contents(std::span<const std::byte> head, std::uint64_t file_bytes, const OpenOptions& options);

// The same, and Error(io). Reads the header from the open file, not from the mapping: whatever happens to the file
// meanwhile, there is no SIGBUS.
Contents read_contents(const MappedFile& file, const std::filesystem::path& path, const OpenOptions& options);

}  // namespace safelight

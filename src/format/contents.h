// Reading a whole file: every rule, in the order in which the reference checks them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
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

// The same in two steps, for an open file: its header, read once, and what that says.
struct HeaderText {
  std::uint64_t file_bytes = 0;
  std::uint64_t bytes = 0;  // N
  std::unique_ptr<char[]> json{};

  std::string_view view() const { return {json.get(), bytes}; }
};
// `path`: for messages. Throws BrokenRule, OverLimit, Error(io).
HeaderText read_header(int file, std::uint64_t file_bytes, const std::filesystem::path& path, const Limits& limits);
Contents read_contents(const HeaderText& header, const OpenOptions& options);

// Maps the file and reads its header. Finishes an edit that was interrupted, and waits for one that is going on.
struct OpenedFile {
  std::shared_ptr<const MappedFile> mapping;
  HeaderText header;
};
OpenedFile open_with_header(const std::filesystem::path& path, const Limits& limits);

// Both steps. Reads from the open file, not from the mapping: whatever happens to the file meanwhile, there is no
// SIGBUS.
Contents read_contents(const MappedFile& file, const std::filesystem::path& path, const OpenOptions& options);

}  // namespace safelight

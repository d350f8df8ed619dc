// Sets of files with an index, as the field names and writes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "safelight/safetensors.h"
#include "safelight/writer.h"

namespace safelight {

// Positions in `tensors`, one list per file: a file is full when the next tensor would put it above `limit` bytes.
// At least one list; one only, if `limit` is 0. `bytes`: each tensor's size.
std::vector<std::vector<std::size_t>> deal_out(std::span<const std::uint64_t> bytes, std::uint64_t limit);

// "model.safetensors" -> "model-00002-of-00012.safetensors". Counts from 0. Throws Error(usage) for a name that an
// index cannot hold because it is not UTF-8.
std::filesystem::path shard_path(const std::filesystem::path& path, std::size_t shard, std::size_t shards);

// "model.safetensors" -> "model.safetensors.index.json".
std::filesystem::path index_path(const std::filesystem::path& path);

struct IndexEntry {
  std::string_view tensor;
  std::string file;  // its name, in the index' folder
};

// The index: metadata.total_size and weight_map, sorted by name; `content_hash` too, if there is one.
std::string index_text(std::vector<IndexEntry> entries, std::uint64_t total_bytes,
                       const std::string& content_hash = {});

}  // namespace safelight

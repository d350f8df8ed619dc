// The index of a sharded set: which tensor is in which file.
//
//   {"metadata": {"total_size": 123}, "weight_map": {"a.weight": "model-00001-of-00002.safetensors", ...}}
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

// How an index is called: "model.safetensors.index.json".
inline constexpr std::string_view kShardIndexEnd = ".safetensors.index.json";

struct ShardIndex {
  struct Entry {
    std::string tensor;
    std::size_t shard;  // in `shards`
  };
  std::vector<Entry> entries;       // by name
  std::vector<std::string> shards;  // file names as written, sorted, each once
  Metadata metadata;                // "metadata", values that are no texts as JSON
  std::optional<std::uint64_t> total_size;
};

// Throws Error(format) that says what is wrong, Error(limit).
ShardIndex parse_shard_index(std::string_view json, const Limits& limits);

// Whether a file name of an index stays in the index' folder: relative, no "..".
bool stays_in_folder(std::string_view file) noexcept;

// "model-00002-of-00005.safetensors" is number 2 of 5 of "model".
struct ShardNumber {
  std::string_view stem;
  std::uint64_t number, count;
};
std::optional<ShardNumber> shard_number(std::string_view file) noexcept;

// Of the names of a folder's files: which sets of shards have an index there.
class IndexedSets {
 public:
  explicit IndexedSets(std::span<const std::string> names);

  bool empty() const noexcept { return stems_.empty(); }
  const std::vector<std::string>& indices() const noexcept { return indices_; }

  // Whether a file is numbered as a shard of one of them.
  bool has_shard(std::string_view file) const noexcept;

 private:
  std::vector<std::string> indices_;  // file names, in the order in which they were given
  std::set<std::string, std::less<>> stems_;
};

}  // namespace safelight

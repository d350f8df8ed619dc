// A model in several files (shards), as one.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "safelight/safetensors.h"

namespace safelight {

struct ShardedOptions {
  OpenOptions open = {};  // of every file; header_bytes, tensors, name_bytes and memory_bytes also of the index
  bool tolerant = false;  // problems are listed, and what can be opened is; otherwise the first is an Error
};

// Whether a path is taken for a set of files: a folder, or an index (*.json). Anything else is taken for one file.
bool names_a_set(const std::filesystem::path& path) noexcept;

// What is wrong with a set, though each file may be sound: `rule` is one of shard-path (leads out of the folder),
// shard-missing, shard-extra (numbered like the others, but not in the index), shard-invalid (not a sound file),
// tensor-missing (the index promises it), tensor-extra (the index does not), tensor-duplicate (in two shards), and
// total-size (the index' sum is wrong).
struct ShardProblem {
  std::string rule, detail;
};

// Opened shards, compared with their index. Cheap to copy. Every member is const and safe to call from several threads.
class ShardedTensors {
 public:
  // `path` is one of:
  //   - an index (*.json): {"metadata": {"total_size": BYTES}, "weight_map": {"tensor": "shard.safetensors", ...}}
  //   - a folder: with one *.safetensors.index.json, as that; without, all *.safetensors in it, of which those that are
  //     numbered ("x-00002-of-00005.safetensors") must be all there
  //   - one .safetensors file
  // Shards lie in the index' folder or below it; links may lead elsewhere. Throws Error(io) for what cannot be read,
  // Error(format) for an index that is not one; unless tolerant, Error(io) for a missing shard and Error(format) for
  // other problems: what() tells the first and how many more there are.
  static ShardedTensors open(const std::filesystem::path& path, const ShardedOptions& options = {});

  // A set of one: what takes a set takes a file.
  ShardedTensors(const SafeTensors& file);

  const std::filesystem::path& path() const noexcept;
  std::span<const SafeTensors> shards() const noexcept;  // by file name

  struct Entry {
    const TensorInfo* info;
    const SafeTensors* shard;
  };
  // All tensors, by shard, then by offset. Of one that is in several shards, the one the index names, else the first.
  std::span<const Entry> tensors() const noexcept;

  // The tensor with this name; its members are null if there is none.
  Entry find(std::string_view name) const noexcept;

  // As SafeTensors::tensor().
  Tensor tensor(std::string_view name) const;

  // Of all shards; where they differ, the first one's.
  const Metadata& metadata() const noexcept;

  // Of the index: texts as they are, other values as JSON. Empty without an index.
  const Metadata& index_metadata() const noexcept;

  // Empty unless tolerant. After 1000, one tells how many more there are.
  std::span<const ShardProblem> problems() const noexcept;

 private:
  struct State;
  friend class ShardSet;  // src/format
  explicit ShardedTensors(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace safelight

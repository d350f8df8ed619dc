// Finds a tensor by name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

// Positions in an array of tensors, sorted by the hash of their names: 16 bytes a tensor, and, unlike a hash table, no
// worse than a sort by name when a hostile file makes all hashes equal.
class NameIndex {
 public:
  NameIndex() = default;
  // The index refers to the tensors by position and forgets the span.
  explicit NameIndex(std::span<const TensorInfo> tensors);

  // `tensors`: what the index was made from.
  const TensorInfo* find(std::span<const TensorInfo> tensors, std::string_view name) const noexcept;

  // Positions that share a name with an earlier one or, if `keep_last`, with a later one; in ascending order.
  std::vector<std::size_t> repeated(std::span<const TensorInfo> tensors, bool keep_last) const;

 private:
  std::vector<std::pair<std::uint64_t, std::size_t>> slots_;  // hash, position; equal hashes by name, then position
};

}  // namespace safelight

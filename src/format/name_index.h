// Finds a tensor by name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

// A hash table of positions in an array of tensors, whose buckets are sorted by name: 8 to 12 bytes a tensor, and,
// unlike other hash tables, no worse than a sort by name when a hostile file puts all names into one bucket.
class NameIndex {
 public:
  NameIndex() = default;
  // The index refers to the tensors by position and forgets the span. REQUIRES: fewer than 2^32 tensors.
  explicit NameIndex(std::span<const TensorInfo> tensors);

  // `tensors`: what the index was made from.
  const TensorInfo* find(std::span<const TensorInfo> tensors, std::string_view name) const noexcept;

  // Positions that share a name with an earlier one or, if `keep_last`, with a later one; in ascending order.
  std::vector<std::size_t> repeated(std::span<const TensorInfo> tensors, bool keep_last) const;

 private:
  std::size_t buckets() const noexcept { return ends_.size(); }
  std::span<const std::uint32_t> bucket(std::size_t index) const noexcept;

  std::vector<std::uint32_t> ends_;       // of each bucket in positions_; as many as a power of two
  std::vector<std::uint32_t> positions_;  // in each bucket by name, equal names by position
};

// Drops the tensors at these positions, which ascend.
void drop_positions(std::vector<TensorInfo>& tensors, std::span<const std::size_t> positions);

}  // namespace safelight

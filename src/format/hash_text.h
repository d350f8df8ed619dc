// The convention by which hashes are kept in the metadata: docs/format.md, "Hashes".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/xxh3.h"
#include "safelight/safetensors.h"

namespace safelight {

inline constexpr std::string_view kHashPrefix = "xxh3-128:";

// A tensor and the hash of its bytes.
struct HashedTensor {
  std::string_view name;  // borrowed
  DType dtype = DType::F32;
  std::string shape;  // "2,3"
  Hash128 hash{};
};

void sort_by_name(std::vector<HashedTensor>& tensors);

// The values of the two metadata entries. REQUIRES: sorted by name.
std::string content_hash_text(std::span<const HashedTensor> tensors);
std::string tensor_hashes_text(std::span<const HashedTensor> tensors);

// Puts both entries into the metadata. Their length depends on the number of tensors only.
void set_hashes(Metadata& metadata, std::vector<HashedTensor> tensors);

}  // namespace safelight

// Reading a whole file: every rule, in the order in which the reference checks them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

}  // namespace safelight

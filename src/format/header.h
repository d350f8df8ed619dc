// The JSON header: names, dtypes, shapes and ranges as written, not yet compared with each other or with the file.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

inline constexpr std::uint64_t kLengthField = 8;              // bytes that hold the length of the header
inline constexpr std::uint64_t kLongestHeader = 100'000'000;  // the reference's limit, for reading and writing

struct Header {
  std::vector<TensorInfo> tensors;  // in the order of the header; in compat mode names may repeat
  Metadata metadata;
};

// `json`: the bytes [8, 8+N) of the file. Throws BrokenRule, OverLimit; the offsets they tell count from the file's
// first byte.
Header parse_header(std::string_view json, const OpenOptions& options);

}  // namespace safelight

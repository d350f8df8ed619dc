// The JSON header: names, dtypes, shapes and ranges as written, not yet compared with each other or with the file.
#pragma once

#include <string_view>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

struct Header {
  std::vector<TensorInfo> tensors;  // in the order of the header; in compat mode names may repeat
  Metadata metadata;
};

// `json`: the bytes [8, 8+N) of the file. Throws BrokenRule; the offsets it tells count from the file's first byte.
Header parse_header(std::string_view json, Mode mode);

}  // namespace safelight

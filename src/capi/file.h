// The handles of the C interface that wrap a file, and what they wrap.
#pragma once

#include <utility>
#include <vector>

#include "safelight/safelight.h"
#include "safelight/safetensors.h"

struct safelight_options {
  safelight::OpenOptions options;
};

struct safelight_file {
  explicit safelight_file(safelight::SafeTensors opened);

  safelight::SafeTensors file;
  std::vector<const safelight::Metadata::value_type*> metadata;  // by position
};

namespace safelight::capi {

// A safelight_tensor is a TensorInfo of its file.
inline const TensorInfo& info(const safelight_tensor& tensor) noexcept {
  return reinterpret_cast<const TensorInfo&>(tensor);
}

inline OpenOptions options_or_default(const safelight_options* options) {
  return options ? options->options : OpenOptions{};
}

}  // namespace safelight::capi

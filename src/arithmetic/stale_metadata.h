// Metadata of a file whose values have changed.
#pragma once

#include "safelight/safetensors.h"

namespace safelight {

// Without the entries that are hashes of the tensors' bytes.
Metadata without_hashes(Metadata metadata);

}  // namespace safelight

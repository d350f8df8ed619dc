// The shape of a tensor in a file as a Tensor has it.
#pragma once

#include "safelight/safetensors.h"

namespace safelight {

// Throws OverLimit if a dimension exceeds 2^63-1.
Shape shape_of(const TensorInfo& info);

}  // namespace safelight

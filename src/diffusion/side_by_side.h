// Two batches as one.
#pragma once

#include "safelight/tensor.h"

namespace safelight {

// A new tensor with a's images, then b's: F32 [n, ...] twice -> [2n, ...]. REQUIRES: the same shape.
Tensor side_by_side(const Tensor& a, const Tensor& b);

}  // namespace safelight

// One batch several times.
#pragma once

#include "safelight/tensor.h"

namespace safelight {

// A new tensor with x's images `times` times over: F32 [n, ...] -> [times * n, ...].
Tensor repeated(const Tensor& x, std::int64_t times);

}  // namespace safelight

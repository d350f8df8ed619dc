// The arithmetic of the samplers: every step is a weighted sum of a few latents.
#pragma once

#include "safelight/tensor.h"

namespace safelight {

// factor * x, a new F32 tensor.
Tensor scaled(const Tensor& x, double factor);

// a * x + b * y, a new F32 tensor, each element rounded once. REQUIRES: F32 tensors of the same size.
Tensor weighted_sum(double a, const Tensor& x, double b, const Tensor& y);

}  // namespace safelight

// What happens to each output value of a conv2d or linear before it is stored. Fusion is data, not more entry points.
#pragma once

#include "safelight/tensor.h"

namespace safelight {

enum class Activation { none, silu, gelu, quick_gelu };  // gelu: with erf; quick_gelu: x * sigmoid(1.702 x)

// stored = activation(sum + bias + per_image) + residual
struct Epilogue {
  Activation activation = Activation::none;
  const Tensor* per_image = nullptr;  // F32 [n, out]: added to every pixel of image n (the time embedding)
  const Tensor* residual = nullptr;   // F32, of the result's shape
};

}  // namespace safelight

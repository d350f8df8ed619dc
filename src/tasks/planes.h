// Between our layout, NHWC, and that of files and other programs, NCHW.
#pragma once

#include "safelight/tensor.h"

namespace safelight {

// F32 [n, h, w, c] -> a new F32 [n, c, h, w].
Tensor to_nchw(const Tensor& t);

// F32 [n, c, h, w] -> a new F32 [n, h, w, c].
Tensor to_nhwc(const Tensor& t);

// A new tensor with image `index` of F32 [n, ...] alone: [1, ...].
Tensor image(const Tensor& t, std::int64_t index);

// Makes image `index` of F32 [n, ...] the one of [1, ...].
void set_image(Tensor& batch, std::int64_t index, const Tensor& one);

}  // namespace safelight

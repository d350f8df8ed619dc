// A convolution by parts of 16 bits, where the processor multiplies those so much faster that it pays.
#pragma once

#include "backends/cpu/engine.h"

namespace safelight::cpu {

// Whether `call` is a convolution with more than one tap whose channels, and an image's pixels, fill tiles, and this
// way to compute it is the fastest. `filters`: whether Winograd's filtering could compute it, too. (All images together
// must not decide: an image has the same bits in any batch.)
bool takes_split_conv2d(const Engine& engine, const ProductCall& call, bool filters);

// Runs `call` on all threads. REQUIRES: takes_split_conv2d().
void run_split_conv2d(Engine& engine, const ProductCall& call);

}  // namespace safelight::cpu

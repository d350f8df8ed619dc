// 3x3 convolution to a few channels: a model's last layer.
#pragma once

#include "backends/cpu/engine.h"
#include "ops/conv2d.h"

namespace safelight::cpu {

// Is it a 3x3 convolution to so few channels that a vector of them would be mostly empty?
bool is_thin(const Conv2dSpec& spec);

// [out, in, 3, 3] -> F32 [9 * out, in], for run_thin_conv2d. REQUIRES: is_thin.
Tensor thin_weights(const Conv2dSpec& spec, const Weight& weight);

// y = x * weight + bias on all threads, without an epilogue. weights: from thin_weights; bias: F32 [out] or empty.
void run_thin_conv2d(Engine& engine, const Conv2dSpec& spec, const Tensor& weights, const Tensor& bias, const Tensor& x,
                     Tensor& y);

}  // namespace safelight::cpu

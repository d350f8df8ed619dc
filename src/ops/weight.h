// What a layer multiplies with.
#pragma once

#include <string_view>
#include <utility>

#include "safelight/tensor.h"

namespace safelight {

// A weight as it lies in a file. Numbers of 8 bits come with scales there: one for each output channel, with which all
// that is said of that channel's values is to be multiplied.
struct Weight {
  Tensor values;  // [out, ...]: F32, F16, BF16, F8_E4M3, F8_E5M2 or I8; others are converted once
  Tensor scales;  // F32 [out]; empty: none

  Weight() = default;
  Weight(Tensor v, Tensor s = {}) : values(std::move(v)), scales(std::move(s)) {}  // a tensor alone is a weight, too
};

// The values times their scales, as F32.
Tensor scaled_values(const Weight& weight);

// Throws Error(model) unless scales are empty or F32 [out].
void check_scales(std::string_view op, const Weight& weight, std::int64_t out);

}  // namespace safelight

// Casts between two floating types on plain memory, compiled once per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "safelight/cast.h"

namespace safelight {

// Casts `count` values; source and result may be unaligned and must not overlap. Returns what was lost.
using CastKernel = CastLosses (*)(const std::byte* from, std::int64_t count, std::byte* to);

// The kernel of the best instruction set this processor has. REQUIRES: can_cast() both.
CastKernel cast_kernel(DType from, DType to);

}  // namespace safelight

// The values of any numeric type as doubles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "safelight/dtype.h"

namespace safelight {

// Whether every element is a number: the floating types of cast.h, the integers, and BOOL (as 0 and 1).
bool has_numbers(DType dtype) noexcept;

// `count` values at `from` (possibly unaligned) as doubles: exact, except for 64-bit integers beyond 2^53, which are
// rounded. REQUIRES: has_numbers(dtype).
void decode(DType dtype, const std::byte* from, std::int64_t count, double* to);

}  // namespace safelight

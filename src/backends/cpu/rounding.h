// Whole-number rounding, for counting blocks.
#pragma once

#include <cstdint>

namespace safelight::cpu {

// REQUIRES of both: a >= 0, b > 0.
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) { return divide_up(a, b) * b; }

}  // namespace safelight::cpu

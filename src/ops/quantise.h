// How int8 layers round: a row of numbers becomes whole numbers in [-127, 127] and one unit, its largest magnitude over
// 127 (absmax quantisation, row by row of x and of W: Dettmers et al. 2022, "LLM.int8()", section 2). Every backend
// rounds with these words, so all of them multiply the same whole numbers.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace safelight {

// The longest row: 127 * 127 * 2^17 is the last power of two of products that 32 bits hold.
inline constexpr std::int64_t kMostInt8Terms = std::int64_t{1} << 17;

// q = value * factor, rounded to nearest even, stands for q * unit.
struct Int8Scale {
  float factor, unit;
};

// Rows that are whole numbers of 8 bits in the file count as having 127 in them, so that they stay what they are (but
// for rows with -128, which no writer of a symmetric form makes).
inline constexpr int kLargestWhole = 127;

// largest: the row's largest magnitude, or infinite, or no number if one of its values is. Then the unit is no number
// either: such a row must not come out as a plausible one. A row below 2^-100 counts as zeros.
inline Int8Scale int8_scale(float largest) noexcept {
  if (!std::isfinite(largest)) return {0, std::numeric_limits<float>::quiet_NaN()};
  if (largest < 0x1p-100f) return {0, 0};
  return {127 / largest, largest / 127};
}

}  // namespace safelight

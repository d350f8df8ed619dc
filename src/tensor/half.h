// The bit layouts of the small floating types, widened exactly to float. Plain arithmetic: the fast paths live in the
// kernels.
#pragma once

#include <bit>
#include <cstdint>

namespace safelight {

// A float of `ExponentBits` and `MantissaBits` with IEEE subnormals. Exact, subnormals included.
// REQUIRES: value is finite (the callers treat the all-ones exponent).
template <int ExponentBits, int MantissaBits>
float widen_finite(std::uint32_t value) noexcept {
  constexpr int kBits = ExponentBits + MantissaBits, kBias = (1 << (ExponentBits - 1)) - 1, kFloatBias = 127;
  const std::uint32_t magnitude = value & ((1u << kBits) - 1), sign = value >> kBits & 1;
  constexpr auto power_of_two = [](int n) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(kFloatBias + n) << 23);
  };
  // A normal one's bits where a float's are, with the other bias; a subnormal one counts its smallest step.
  const std::uint32_t normal =
      (magnitude << (23 - MantissaBits)) + (static_cast<std::uint32_t>(kFloatBias - kBias) << 23);
  const float subnormal = static_cast<float>(magnitude) * power_of_two(1 - kBias - MantissaBits);
  const std::uint32_t bits = magnitude >> MantissaBits ? normal : std::bit_cast<std::uint32_t>(subnormal);
  return std::bit_cast<float>(bits | sign << 31);
}

inline float f16_to_f32(std::uint16_t h) noexcept {
  if ((h & 0x7C00u) == 0x7C00u)  // infinity, or NaN with its payload
    return std::bit_cast<float>((static_cast<std::uint32_t>(h & 0x8000u) << 16) | 0x7F800000u |
                                (static_cast<std::uint32_t>(h & 0x03FFu) << 13));
  return widen_finite<5, 10>(h);
}

inline float bf16_to_f32(std::uint16_t h) noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(h) << 16); }

// E5M2 is the upper byte of a half.
inline float f8_e5m2_to_f32(std::uint8_t v) noexcept { return f16_to_f32(static_cast<std::uint16_t>(v << 8)); }

// E4M3 in the "fn" form: no infinity, S.1111.111 is NaN.
inline float f8_e4m3_to_f32(std::uint8_t v) noexcept {
  if ((v & 0x7Fu) == 0x7Fu) return std::bit_cast<float>((static_cast<std::uint32_t>(v & 0x80u) << 24) | 0x7FC00000u);
  return widen_finite<4, 3>(v);
}

}  // namespace safelight

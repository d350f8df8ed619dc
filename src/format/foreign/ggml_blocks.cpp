// In the layouts, d and m are 16-bit floats (scale and minimum), q the numbers.
//
//   Q8_0   32: d, q[32] (signed bytes)                                    x = d q
//   Q4_0   32: d, q[16] (low halves first: 0 to 15, then high: 16 to 31)  x = d (q - 8)
//   Q4_1   32: d, m, q[16]                                                x = d q + m
//   Q5_0   32: d, h[4] (the fifth bits), q[16]                            x = d (q - 16)
//   Q5_1   32: d, m, h[4], q[16]                                          x = d q + m
//   Q4_K  256: d, m, s[12] (8 scales and 8 minima of 6 bits), q[128]      x = (d s) q - (m s')
//   Q5_K  256: d, m, s[12], h[32], q[128]                                 x = (d s) q - (m s')
//   Q6_K  256: l[128] (low 4 bits), h[64] (high 2), s[16] (signed), d     x = (d s) (q - 32)
#include "format/foreign/ggml_blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "format/foreign/byte_cursor.h"
#include "safelight/cast.h"
#include "tensor/half.h"

namespace safelight::foreign {
namespace {

constexpr int kSmall = 32, kLarge = 256;

float half_at(const std::byte* at) { return f16_to_f32(load<std::uint16_t>(at)); }
int low(std::byte b) { return std::to_integer<int>(b & std::byte{0x0F}); }
int high(std::byte b) { return std::to_integer<int>(b >> 4); }

void dequantise_q8_0(const std::byte* block, float* out) {
  const float d = half_at(block);
  for (int i = 0; i < kSmall; ++i) out[i] = static_cast<float>(static_cast<std::int8_t>(block[2 + i])) * d;
}

void dequantise_q4_0(const std::byte* block, float* out) {
  const float d = half_at(block);
  const std::byte* q = block + 2;
  for (int i = 0; i < kSmall / 2; ++i) {
    out[i] = d * static_cast<float>(low(q[i]) - 8);
    out[i + kSmall / 2] = d * static_cast<float>(high(q[i]) - 8);
  }
}

void dequantise_q4_1(const std::byte* block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  const std::byte* q = block + 4;
  for (int i = 0; i < kSmall / 2; ++i) {
    out[i] = d * static_cast<float>(low(q[i])) + m;
    out[i + kSmall / 2] = d * static_cast<float>(high(q[i])) + m;
  }
}

// The fifth bit of element i, in its place.
int fifth(std::uint32_t bits, int i) { return static_cast<int>((bits >> i) & 1u) << 4; }

void dequantise_q5_0(const std::byte* block, float* out) {
  const float d = half_at(block);
  const auto h = load<std::uint32_t>(block + 2);
  const std::byte* q = block + 6;
  for (int i = 0; i < kSmall / 2; ++i) {
    const int j = i + kSmall / 2;
    out[i] = d * static_cast<float>((low(q[i]) | fifth(h, i)) - 16);
    out[j] = d * static_cast<float>((high(q[i]) | fifth(h, j)) - 16);
  }
}

void dequantise_q5_1(const std::byte* block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  const auto h = load<std::uint32_t>(block + 4);
  const std::byte* q = block + 8;
  for (int i = 0; i < kSmall / 2; ++i) {
    const int j = i + kSmall / 2;
    out[i] = d * static_cast<float>(low(q[i]) | fifth(h, i)) + m;
    out[j] = d * static_cast<float>(high(q[i]) | fifth(h, j)) + m;
  }
}

// The scale and the minimum of the j-th 32 of a block of 256, out of 12 bytes: the first four of each are the low six
// bits of bytes 0-3 and 4-7, the others have their low four bits in bytes 8-11 and their high two above the former.
struct ScaleAndMinimum {
  float scale, minimum;
};
ScaleAndMinimum scale_and_minimum(const std::byte* s, int j) {
  const auto byte = [&](int i) { return std::to_integer<int>(s[i]); };
  if (j < 4) return {static_cast<float>(byte(j) & 63), static_cast<float>(byte(j + 4) & 63)};
  return {static_cast<float>((byte(j + 4) & 0x0F) | ((byte(j - 4) >> 6) << 4)),
          static_cast<float>((byte(j + 4) >> 4) | ((byte(j) >> 6) << 4))};
}

void dequantise_q4_k(const std::byte* block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  const std::byte *s = block + 4, *q = block + 16;
  for (int j = 0; j < kLarge / 32; j += 2, q += 32) {  // 32 bytes hold two groups: low halves, high halves
    const auto [scale0, minimum0] = scale_and_minimum(s, j);
    const auto [scale1, minimum1] = scale_and_minimum(s, j + 1);
    const float d0 = d * scale0, m0 = m * minimum0, d1 = d * scale1, m1 = m * minimum1;
    for (int i = 0; i < 32; ++i) *out++ = d0 * static_cast<float>(low(q[i])) - m0;
    for (int i = 0; i < 32; ++i) *out++ = d1 * static_cast<float>(high(q[i])) - m1;
  }
}

void dequantise_q5_k(const std::byte* block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  const std::byte *s = block + 4, *h = block + 16, *q = block + 48;
  for (int j = 0; j < kLarge / 32; j += 2, q += 32) {
    const auto [scale0, minimum0] = scale_and_minimum(s, j);
    const auto [scale1, minimum1] = scale_and_minimum(s, j + 1);
    const float d0 = d * scale0, m0 = m * minimum0, d1 = d * scale1, m1 = m * minimum1;
    const auto bit = [&](int i, int group) { return ((std::to_integer<int>(h[i]) >> group) & 1) << 4; };
    for (int i = 0; i < 32; ++i) *out++ = d0 * static_cast<float>(low(q[i]) | bit(i, j)) - m0;
    for (int i = 0; i < 32; ++i) *out++ = d1 * static_cast<float>(high(q[i]) | bit(i, j + 1)) - m1;
  }
}

void dequantise_q6_k(const std::byte* block, float* out) {
  const float d = half_at(block + 208);
  const std::byte *l = block, *h = block + 128, *s = block + 192;
  for (int part = 0; part < kLarge / 128; ++part, l += 64, h += 32, s += 8) {
    for (int i = 0; i < 128; ++i) {
      // Elements 0-63 are the low halves of the 64 bytes, 64-127 the high ones; their upper bits come 32 at a time.
      const std::byte nibble = l[i % 64];
      const int lower = i < 64 ? low(nibble) : high(nibble);
      const int upper = (std::to_integer<int>(h[i % 32]) >> (2 * (i / 32))) & 3;
      const float scale = d * static_cast<float>(static_cast<std::int8_t>(s[i / 16]));
      *out++ = scale * static_cast<float>((lower | (upper << 4)) - 32);
    }
  }
}

constexpr std::array kReadable{
    GgmlType{0, "F32", 1, 4, DType::F32},
    GgmlType{1, "F16", 1, 2, DType::F16},
    GgmlType{2, "Q4_0", kSmall, 18, {}, dequantise_q4_0},
    GgmlType{3, "Q4_1", kSmall, 20, {}, dequantise_q4_1},
    GgmlType{6, "Q5_0", kSmall, 22, {}, dequantise_q5_0},
    GgmlType{7, "Q5_1", kSmall, 24, {}, dequantise_q5_1},
    GgmlType{8, "Q8_0", kSmall, 34, {}, dequantise_q8_0},
    GgmlType{12, "Q4_K", kLarge, 144, {}, dequantise_q4_k},
    GgmlType{13, "Q5_K", kLarge, 176, {}, dequantise_q5_k},
    GgmlType{14, "Q6_K", kLarge, 210, {}, dequantise_q6_k},
    GgmlType{24, "I8", 1, 1, DType::I8},
    GgmlType{25, "I16", 1, 2, DType::I16},
    GgmlType{26, "I32", 1, 4, DType::I32},
    GgmlType{27, "I64", 1, 8, DType::I64},
    GgmlType{28, "F64", 1, 8, DType::F64},
    GgmlType{30, "BF16", 1, 2, DType::BF16},
};

struct Named {
  std::uint32_t number;
  std::string_view name;
};
constexpr std::array kUnreadable{
    Named{9, "Q8_1"},     Named{10, "Q2_K"},   Named{11, "Q3_K"},    Named{15, "Q8_K"},
    Named{16, "IQ2_XXS"}, Named{17, "IQ2_XS"}, Named{18, "IQ3_XXS"}, Named{19, "IQ1_S"},
    Named{20, "IQ4_NL"},  Named{21, "IQ3_S"},  Named{22, "IQ2_S"},   Named{23, "IQ4_XS"},
    Named{29, "IQ1_M"},   Named{34, "TQ1_0"},  Named{35, "TQ2_0"},   Named{39, "MXFP4"},
};

const GgmlType* by_number(std::uint32_t number) noexcept {
  const auto found =
      std::find_if(kReadable.begin(), kReadable.end(), [&](const GgmlType& t) { return t.number == number; });
  return found == kReadable.end() ? nullptr : &*found;
}

}  // namespace

const GgmlType* find_ggml_type(std::uint32_t number) noexcept { return by_number(number); }

std::string_view unreadable_ggml_type(std::uint32_t number) noexcept {
  for (const Named& type : kUnreadable)
    if (type.number == number) return type.name;
  return {};
}

const GgmlType* ggml_type_of(DType dtype) noexcept {
  const auto found =
      std::find_if(kReadable.begin(), kReadable.end(), [&](const GgmlType& t) { return t.plain == dtype; });
  return found == kReadable.end() ? nullptr : &*found;
}

void dequantise(const GgmlType& type, std::span<const std::byte> blocks, std::span<float> out) noexcept {
  for (std::size_t i = 0; i < out.size() / type.elements; ++i)
    type.dequantise(blocks.data() + i * type.bytes, out.data() + i * type.elements);
}

const GgmlType& q8_0() noexcept {
  constexpr std::uint32_t kNumber = 8;
  return *by_number(kNumber);
}

bool quantise_q8_0(std::span<const float> values, std::span<std::byte> blocks) {
  const std::size_t count = values.size() / kSmall;
  Tensor scales = Tensor::allocate(DType::F32, {static_cast<std::int64_t>(count)});
  std::byte* out = blocks.data();
  for (std::size_t b = 0; b < count; ++b, out += q8_0().bytes) {
    const std::span<const float> block = values.subspan(b * kSmall, kSmall);
    float largest = 0;
    for (const float v : block) {
      if (!std::isfinite(v)) return false;
      largest = std::max(largest, std::fabs(v));
    }
    const float d = largest / 127;
    const float inverse = std::isfinite(1 / d) ? 1 / d : 0;  // not for zero, nor where the scale rounds to zero anyway
    scales.mutable_floats()[b] = d;
    for (std::size_t i = 0; i < kSmall; ++i)  // halves go away from zero, as in the format's own code
      out[2 + i] = static_cast<std::byte>(static_cast<std::int8_t>(std::round(block[i] * inverse)));
  }
  CastLosses losses;
  const Tensor halves = cast(scales, DType::F16, &losses);
  for (std::size_t b = 0; b < count; ++b)
    std::memcpy(blocks.data() + b * q8_0().bytes, halves.data() + b * sizeof(std::uint16_t), sizeof(std::uint16_t));
  return losses.overflowed == 0;
}

}  // namespace safelight::foreign

// The vector type of the current target, partial loads and stores, and functions of one vector.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_VECTOR_INL_H_
#undef SAFELIGHT_CPU_VECTOR_INL_H_
#else
#define SAFELIGHT_CPU_VECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#if defined(__clang__)
#define SAFELIGHT_UNROLL _Pragma("unroll")
#else
#define SAFELIGHT_UNROLL _Pragma("GCC unroll 16")
#endif

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

// Where there are 32 registers, 6 x 4 accumulators hide the latency of the multiply-adds; with 16, 6 x 2 do.
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
inline constexpr int kPanelVectors = 4;
#else
inline constexpr int kPanelVectors = 2;
#endif
inline constexpr int kPanel = kPanelVectors * kLanes;
inline constexpr int kTileRows = 6;
inline constexpr std::int64_t kLineFloats = 16;  // of a cache line

HWY_INLINE V load(const float* p) { return hn::LoadU(D(), p); }
HWY_INLINE V splat(float value) { return hn::Set(D(), value); }
HWY_INLINE void store(V v, float* p) { hn::StoreU(v, D(), p); }

// The first `count` floats at p, then zeros; touches no others. REQUIRES: 0 <= count.
HWY_INLINE V load_some(const float* p, std::int64_t count) {
  if (count >= kLanes) return load(p);
  alignas(64) float buffer[kLanes] = {};
  std::memcpy(buffer, p, static_cast<std::size_t>(count) * sizeof(float));
  return hn::Load(D(), buffer);
}
HWY_INLINE void store_some(V v, float* p, std::int64_t count) {
  if (count >= kLanes) return store(v, p);
  alignas(64) float buffer[kLanes];
  hn::Store(v, D(), buffer);
  std::memcpy(p, buffer, static_cast<std::size_t>(count) * sizeof(float));
}

// The same, or past the caches. REQUIRES: if it streams, p is aligned to a vector and count at least kLanes.
HWY_INLINE void store_result(V v, float* p, std::int64_t count, bool streams) {
  streams ? hn::Stream(v, D(), p) : store_some(v, p, count);
}

// Added to a float below 2^22, this leaves the nearest integer in the lowest bits of the sum.
inline constexpr float kRounding = 0x1.8p23f;

// p * 2^n of n + kRounding.
HWY_INLINE V scale_by_power(V p, V n_rounding) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(D(), hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::BitCast(di, n_rounding))));
}

// e^x, relative error below 2e-7; e^-87 for smaller x, e^88 for larger.
HWY_INLINE V exponential(V x) {
  x = hn::Min(splat(88.0f), hn::Max(splat(-87.0f), x));
  const V n_rounding = hn::MulAdd(x, splat(1.44269504f), splat(kRounding));
  const V n = hn::Sub(n_rounding, splat(kRounding));
  // ln 2 in two parts, the first short enough that its product with n is exact
  V r = hn::NegMulAdd(n, splat(0.693359375f), x);
  r = hn::NegMulAdd(n, splat(-2.12194440e-4f), r);
  // minimax on [-ln2/2, ln2/2]: 3.1e-9
  V p = splat(1.38145592e-3f);
  p = hn::MulAdd(p, r, splat(8.36873520e-3f));
  p = hn::MulAdd(p, r, splat(4.16683890e-2f));
  p = hn::MulAdd(p, r, splat(1.66665211e-1f));
  p = hn::MulAdd(p, r, splat(4.99999940e-1f));
  p = hn::MulAdd(hn::Mul(r, r), p, hn::Add(r, splat(1.0f)));
  return scale_by_power(p, n_rounding);
}

// Polynomials for 2^x, minimax on [-1/2, 1/2], exact at 0, the highest power first.
inline constexpr float kPowerOfTwo[] = {
    1.53533620e-4f, 1.33988739e-3f, 9.61843692e-3f, 5.55033237e-2f, 2.40226477e-1f, 6.93147182e-1f, 1.0f};  // 2.0e-9
inline constexpr float kPowerOfTwoForBf16[] = {5.50089330e-2f, 2.42210969e-1f, 6.93282902e-1f, 1.0f};       // 1.0e-4

// x[i] = 2^x[i], relative error below 2e-7, or the polynomial's; below -126 less than 2^-126, and 0 from -127 down.
// Several at a time, step by step, keep the processor from waiting for each of them in turn. REQUIRES: x[i] <= 126.
template <int N, std::size_t kTerms = std::size(kPowerOfTwo)>
HWY_INLINE void powers_of_two(V (&x)[N], const float (&polynomial)[kTerms] = kPowerOfTwo) {
  V n_rounding[N], p[N];
  SAFELIGHT_UNROLL
  for (int i = 0; i < N; ++i) x[i] = hn::Max(splat(-127.0f), x[i]);
  SAFELIGHT_UNROLL
  for (int i = 0; i < N; ++i) n_rounding[i] = hn::Add(x[i], splat(kRounding));
  SAFELIGHT_UNROLL
  for (int i = 0; i < N; ++i) p[i] = hn::Sub(n_rounding[i], splat(kRounding));
  SAFELIGHT_UNROLL
  for (int i = 0; i < N; ++i) x[i] = hn::Sub(x[i], p[i]), p[i] = splat(polynomial[0]);
  SAFELIGHT_UNROLL
  for (std::size_t step = 1; step < kTerms; ++step) {
    SAFELIGHT_UNROLL
    for (int i = 0; i < N; ++i) p[i] = hn::MulAdd(p[i], x[i], splat(polynomial[step]));
  }
  SAFELIGHT_UNROLL
  for (int i = 0; i < N; ++i) x[i] = scale_by_power(p[i], n_rounding[i]);
}
HWY_INLINE V power_of_two(V x) {
  V one[] = {x};
  powers_of_two(one);
  return one[0];
}

// 1/x, relative error below 1.2e-7. REQUIRES: 1 <= x, finite.
HWY_INLINE V reciprocal(V x) {
#if HWY_TARGET == HWY_AVX3
  // 14 bits and a step of Newton's: dividing 16 floats takes as long as 32 multiply-adds.
  const V guess = hn::ApproximateReciprocal(x);
  return hn::MulAdd(hn::NegMulAdd(x, guess, splat(1.0f)), guess, guess);
#else
  return hn::Div(splat(1.0f), x);
#endif
}

HWY_INLINE V silu(V x) { return hn::Mul(x, reciprocal(hn::Add(splat(1.0f), exponential(hn::Neg(x))))); }

HWY_INLINE V quick_gelu(V x) {
  return hn::Mul(x, reciprocal(hn::Add(splat(1.0f), exponential(hn::Mul(x, splat(-1.702f))))));
}

// x/2 * erfc(-x/sqrt 2), with erfc(z) = e^(-z^2) t P(t), t = 1/(1 + 0.4 z) for z >= 0: 5.3e-8 relative.
HWY_INLINE V gelu(V x) {
  const V magnitude = hn::Abs(x);
  const V t = reciprocal(hn::MulAdd(magnitude, splat(0.4f * 0.70710678f), splat(1.0f)));
  V p = splat(0.0391406935f);
  p = hn::MulAdd(p, t, splat(-0.129892689f));
  p = hn::MulAdd(p, t, splat(0.062083084f));
  p = hn::MulAdd(p, t, splat(0.113482423f));
  p = hn::MulAdd(p, t, splat(0.0617715534f));
  p = hn::MulAdd(p, t, splat(0.201225438f));
  p = hn::MulAdd(p, t, splat(0.199834549f));
  p = hn::MulAdd(p, t, splat(0.226738623f));
  p = hn::MulAdd(p, t, splat(0.225616378f));
  const V erfc = hn::Mul(hn::Mul(p, t), exponential(hn::Mul(hn::Mul(x, x), splat(-0.5f))));
  const V tail = hn::Mul(hn::Mul(magnitude, splat(0.5f)), erfc);  // |gelu(-|x|)|
  return hn::Sub(hn::Max(x, hn::Zero(D())), tail);
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

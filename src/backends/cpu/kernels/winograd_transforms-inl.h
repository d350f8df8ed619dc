// The transforms of Winograd's minimal filtering (Lavin & Gray 2016), in one dimension; in two they are applied to the
// columns and then to the rows. A filtering has
//   kTile                results in a row; a patch of the input is two longer
//   input, weights       kTile + 2 samples of the input, 3 weights, to as many values that are multiplied
//   output               the products back to kTile results
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_WINOGRAD_TRANSFORMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_WINOGRAD_TRANSFORMS_INL_H_
#undef SAFELIGHT_CPU_WINOGRAD_TRANSFORMS_INL_H_
#else
#define SAFELIGHT_CPU_WINOGRAD_TRANSFORMS_INL_H_
#endif

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// F(2x2, 3x3), at the points 0, +-1 and infinity: 16 products for 4 results. Rounds as little as the direct sum.
struct TwoByTwo {
  static constexpr int kTile = 2;

  static HWY_INLINE void input(const V (&d)[4], V (&out)[4]) {
    out[0] = hn::Sub(d[0], d[2]);
    out[1] = hn::Add(d[1], d[2]);
    out[2] = hn::Sub(d[2], d[1]);
    out[3] = hn::Sub(d[1], d[3]);
  }

  static HWY_INLINE void weights(const V (&g)[3], V (&out)[4]) {
    const V even = hn::Mul(splat(0.5f), hn::Add(g[0], g[2]));
    out[0] = g[0];
    out[1] = hn::MulAdd(splat(0.5f), g[1], even);
    out[2] = hn::NegMulAdd(splat(0.5f), g[1], even);
    out[3] = g[2];
  }

  static HWY_INLINE void output(const V (&m)[4], V (&out)[2]) {
    out[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
    out[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
  }
};

// F(4x4, 3x3): 36 products for 16 results. The points are 0, +-5/8, +-3/2 and infinity: with the usual 0, +-1, +-2 the
// error is 2.5 times as large at 1280 channels, 4 times at its worst element.
struct FourByFour {
  static constexpr int kTile = 4;
  static constexpr float kA = 0.625f, kB = 1.5f;  // the points
  static constexpr float kA2 = kA * kA, kB2 = kB * kB;

  static HWY_INLINE void input(const V (&d)[6], V (&out)[6]) {
    const V even_a = hn::NegMulAdd(splat(kB2), d[2], d[4]), odd_a = hn::NegMulAdd(splat(kB2), d[1], d[3]);
    const V even_b = hn::NegMulAdd(splat(kA2), d[2], d[4]), odd_b = hn::NegMulAdd(splat(kA2), d[1], d[3]);
    out[0] = hn::MulAdd(splat(kA2 * kB2), d[0], hn::NegMulAdd(splat(kA2 + kB2), d[2], d[4]));
    out[1] = hn::MulAdd(splat(kA), odd_a, even_a);
    out[2] = hn::NegMulAdd(splat(kA), odd_a, even_a);
    out[3] = hn::MulAdd(splat(kB), odd_b, even_b);
    out[4] = hn::NegMulAdd(splat(kB), odd_b, even_b);
    out[5] = hn::MulAdd(splat(kA2 * kB2), d[1], hn::NegMulAdd(splat(kA2 + kB2), d[3], d[5]));
  }

  static HWY_INLINE void weights(const V (&g)[3], V (&out)[6]) {
    constexpr float kForA = 1 / (2 * kA2 * (kA2 - kB2)), kForB = 1 / (2 * kB2 * (kB2 - kA2));
    const V even_a = hn::MulAdd(splat(kA2 * kForA), g[2], hn::Mul(splat(kForA), g[0]));
    const V even_b = hn::MulAdd(splat(kB2 * kForB), g[2], hn::Mul(splat(kForB), g[0]));
    out[0] = hn::Mul(splat(1 / (kA2 * kB2)), g[0]);
    out[1] = hn::MulAdd(splat(kA * kForA), g[1], even_a);
    out[2] = hn::NegMulAdd(splat(kA * kForA), g[1], even_a);
    out[3] = hn::MulAdd(splat(kB * kForB), g[1], even_b);
    out[4] = hn::NegMulAdd(splat(kB * kForB), g[1], even_b);
    out[5] = g[2];
  }

  static HWY_INLINE void output(const V (&m)[6], V (&out)[4]) {
    const V sum_a = hn::Add(m[1], m[2]), difference_a = hn::Sub(m[1], m[2]);
    const V sum_b = hn::Add(m[3], m[4]), difference_b = hn::Sub(m[3], m[4]);
    out[0] = hn::Add(m[0], hn::Add(sum_a, sum_b));
    out[1] = hn::MulAdd(splat(kA), difference_a, hn::Mul(splat(kB), difference_b));
    out[2] = hn::MulAdd(splat(kA2), sum_a, hn::Mul(splat(kB2), sum_b));
    out[3] = hn::MulAdd(splat(kA2 * kA), difference_a, hn::MulAdd(splat(kB2 * kB), difference_b, m[5]));
  }
};

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

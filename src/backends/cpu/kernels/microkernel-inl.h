// The inner loop that GEMM, convolution and attention share: a tile of 6 rows by one panel, held in registers.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_MICROKERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_MICROKERNEL_INL_H_
#undef SAFELIGHT_CPU_MICROKERNEL_INL_H_
#else
#define SAFELIGHT_CPU_MICROKERNEL_INL_H_
#endif

#include "backends/cpu/kernels/vector-inl.h"
#include "backends/cpu/rounding.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

constexpr int kPanelSteps = 8;  // how far ahead a far panel is fetched

// What the microkernel multiplies: floats, or pairs of bf16 that each lie in the place of one float. With those `run`
// and `k` below count pairs.
struct Floats {
  static constexpr int kGroup = 1;
  static HWY_INLINE V multiply_add(V a, V b, V sums) { return hn::MulAdd(a, b, sums); }
};

#if HWY_TARGET == HWY_AVX3
struct Bf16Pairs {
  static constexpr int kGroup = 2;
  // Written out because Highway compiles for AVX-512 without it; whoever gets here has asked the processor.
  static HWY_INLINE V multiply_add(V a, V b, V sums) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sums.raw) : "v"(a.raw), "v"(b.raw));
    return sums;
  }
};
#endif

// The tile's left side: for each of `segments` (taps of a convolution; else one), `run` floats of each row, found at
// rows[segment * tile rows + row] + offset.
struct TileRows {
  const float* const* rows;
  std::int64_t segments, offset, run;
};

// c[row * c_stride + column] (+)= sum over k of row[k] * panel[k * columns + column]; panel and c are aligned to a
// vector, columns = Vectors * kLanes. With kAhead, every step of k also fetches the next 64 bytes from `ahead` into the
// second-level cache: what the next calls will need, where the processor cannot guess it. With kFarPanel, which is for
// panels that fill the second-level cache, it fetches the panel's own next lines into the first. To accumulate begins
// with what is there, so a sum has the same bits however its ks are cut into calls: an image's must not depend on its
// batch.
template <class Number, int Rows, int Vectors, bool kAhead, bool kFarPanel>
HWY_NOINLINE void multiply_tile(const TileRows& a, const float* HWY_RESTRICT panel, float* HWY_RESTRICT c,
                                std::int64_t c_stride, bool accumulate, const float* ahead) {
  const D d;
  V sums[Rows][Vectors];
  SAFELIGHT_UNROLL
  for (int i = 0; i < Rows; ++i) {
    SAFELIGHT_UNROLL
    for (int j = 0; j < Vectors; ++j)
      sums[i][j] = accumulate ? hn::Load(d, c + i * c_stride + j * kLanes) : hn::Zero(d);
  }
  for (std::int64_t s = 0; s < a.segments; ++s) {
    const float* row[Rows];
    SAFELIGHT_UNROLL
    for (int i = 0; i < Rows; ++i) row[i] = a.rows[s * Rows + i] + a.offset;
    for (std::int64_t k = 0; k < a.run; ++k) {
      V b[Vectors];
      SAFELIGHT_UNROLL
      for (int j = 0; j < Vectors; ++j) b[j] = hn::Load(d, panel + j * kLanes);
      if constexpr (kFarPanel) {
        SAFELIGHT_UNROLL
        for (int j = 0; j < Vectors; ++j) __builtin_prefetch(panel + (kPanelSteps * Vectors + j) * kLanes, 0, 3);
      }
      panel += Vectors * kLanes;
      if constexpr (kAhead) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += kLineFloats;
      }
      SAFELIGHT_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const V value = hn::Set(d, row[i][k]);
        SAFELIGHT_UNROLL
        for (int j = 0; j < Vectors; ++j) sums[i][j] = Number::multiply_add(value, b[j], sums[i][j]);
      }
    }
  }
  SAFELIGHT_UNROLL
  for (int i = 0; i < Rows; ++i) {
    SAFELIGHT_UNROLL
    for (int j = 0; j < Vectors; ++j) hn::Store(sums[i][j], d, c + i * c_stride + j * kLanes);
  }
}

using MultiplyTile = void (*)(const TileRows&, const float*, float*, std::int64_t, bool, const float*);

template <class Number, int Vectors, bool kAhead, bool kFarPanel>
MultiplyTile multiply_tile_for_rows(std::int64_t rows) {
  static constexpr MultiplyTile kTable[kTileRows] = {
      multiply_tile<Number, 1, Vectors, kAhead, kFarPanel>, multiply_tile<Number, 2, Vectors, kAhead, kFarPanel>,
      multiply_tile<Number, 3, Vectors, kAhead, kFarPanel>, multiply_tile<Number, 4, Vectors, kAhead, kFarPanel>,
      multiply_tile<Number, 5, Vectors, kAhead, kFarPanel>, multiply_tile<Number, 6, Vectors, kAhead, kFarPanel>,
  };
  return kTable[rows - 1];
}

// REQUIRES: 1 <= rows <= kTileRows, 1 <= vectors <= kPanelVectors.
template <class Number, bool kAhead, bool kFarPanel>
MultiplyTile multiply_tile_for(std::int64_t rows, std::int64_t vectors) {
  if constexpr (kPanelVectors > 2) {
    if (vectors == 4) return multiply_tile_for_rows<Number, 4, kAhead, kFarPanel>(rows);
    if (vectors == 3) return multiply_tile_for_rows<Number, 3, kAhead, kFarPanel>(rows);
  }
  return vectors == 2 ? multiply_tile_for_rows<Number, 2, kAhead, kFarPanel>(rows)
                      : multiply_tile_for_rows<Number, 1, kAhead, kFarPanel>(rows);
}

// What will be read next, handed out in pieces for `ahead`: on the machine where this was measured Winograd's products
// ran at 214 instead of 174 GFLOP/s. Beyond the end it starts again, which costs nothing.
class Ahead {
 public:
  void add(const float* from, std::int64_t floats) {
    if (floats > 0 && count_ < kRegions) regions_[count_++] = {from, divide_up(floats, kLineFloats)};
  }

  // The next `lines` lines. REQUIRES: something was added.
  const float* take(std::int64_t lines) {
    const float* from = regions_[region_].from + at_ * kLineFloats;
    at_ += lines;
    if (at_ >= regions_[region_].lines) at_ = 0, region_ = (region_ + 1) % count_;
    return from;
  }

 private:
  struct Region {
    const float* from;
    std::int64_t lines;
  };
  static constexpr int kRegions = 4;
  Region regions_[kRegions] = {};
  int count_ = 0, region_ = 0;
  std::int64_t at_ = 0;
};

// Cuts `rows` into tiles of nearly equal height, at most kTileRows each. A tile's place costs no division: one takes as
// long as 50 multiply-adds of whole vectors.
struct Tiling {
  std::int64_t rows, tiles, height, taller;  // the first `taller` tiles have a row more
  explicit Tiling(std::int64_t all)
      : rows(all), tiles(divide_up(all, kTileRows)), height(tiles ? all / tiles : 0), taller(all - height * tiles) {}
  std::int64_t begin(std::int64_t tile) const { return tile * height + (tile < taller ? tile : taller); }
};

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

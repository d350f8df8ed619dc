// Floats taken apart into parts of bf16, and the product of tiles of them; see split_product.h.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_SPLIT_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_SPLIT_TILES_INL_H_
#undef SAFELIGHT_CPU_SPLIT_TILES_INL_H_
#else
#define SAFELIGHT_CPU_SPLIT_TILES_INL_H_
#endif

#include <algorithm>

#include "backends/cpu/kernels/split_product.h"
#include "backends/cpu/kernels/vector-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// Two vectors of floats, of which bf16 parts are taken, the largest first.
class Numbers {
 public:
  Numbers(V a, V b) : a_(a), b_(b) {}

  // The first 8 bits of what is left of each number, which are then taken off, exactly: those of a, then those of b.
  HWY_INLINE V take_part() {
    const hn::Repartition<std::uint16_t, D> d16;
    const V part = hn::BitCast(D(), hn::ConcatOdd(d16, hn::BitCast(d16, b_), hn::BitCast(d16, a_)));
    take_off();
    return part;
  }

  // The same, of a and b by turns.
  HWY_INLINE V take_pairs() {
    const V part = hn::BitCast(D(), hn::Or(hn::ShiftRight<16>(hn::BitCast(DU(), a_)), upper_bits(b_)));
    take_off();
    return part;
  }

 private:
  using DU = hn::RebindToUnsigned<D>;

  static HWY_INLINE hn::Vec<DU> upper_bits(V v) { return hn::And(hn::BitCast(DU(), v), hn::Set(DU(), 0xFFFF0000u)); }
  HWY_INLINE void take_off() {
    a_ = hn::Sub(a_, hn::BitCast(D(), upper_bits(a_)));
    b_ = hn::Sub(b_, hn::BitCast(D(), upper_bits(b_)));
  }

  V a_, b_;
};

// The 32 floats at p, of which there are `left`, then zeros. REQUIRES: 0 < left.
HWY_INLINE Numbers numbers_at(const float* p, std::int64_t left) {
  return {load_some(p, left), load_some(p + kLanes, std::max<std::int64_t>(left - kLanes, 0))};
}

// A left side: numbers_of(row, at) are channels [at, at + 32) of a row; channels [begin, end) of 32 rows at most become
// to[block of channels][part][upper and lower tile].
template <class NumbersOf>
HWY_INLINE void split_rows(std::int64_t rows, std::int64_t begin, std::int64_t end, NumbersOf&& numbers_of, float* to) {
  for (std::int64_t at = begin; at < end; at += kSplitChannels, to += kInputParts * 2 * kTileFloats)
    for (std::int64_t row = 0; row < rows; ++row) {
      Numbers numbers = numbers_of(row, at);
      SAFELIGHT_UNROLL
      for (int part = 0; part < kInputParts; ++part)  // the lower tile follows the upper one's 16 rows
        hn::Store(numbers.take_part(), D(), to + part * 2 * kTileFloats + row * kLanes);
    }
}

// A right side: `channels` rows of `columns` floats, a multiple of 32, become to[32 columns][block of channels][part][2
// tiles], whose rows are pairs of channels; where there are no more, zeros.
inline void split_columns(const float* from, std::int64_t channels, std::int64_t columns, float* to) {
  const V zero = hn::Zero(D());
  for (std::int64_t column = 0; column < columns; column += kLanes) {
    float* tile = to + column / kSplitColumns * split_floats(channels) + column % kSplitColumns / kLanes * kTileFloats;
    for (std::int64_t at = 0; at < channels; at += kSplitChannels, tile += kInputParts * 2 * kTileFloats)
      for (std::int64_t pair = 0; pair < kSplitChannels / 2; ++pair) {
        const std::int64_t first = at + 2 * pair;
        Numbers numbers(first < channels ? hn::Load(D(), from + first * columns + column) : zero,
                        first + 1 < channels ? hn::Load(D(), from + (first + 1) * columns + column) : zero);
        SAFELIGHT_UNROLL
        for (int part = 0; part < kInputParts; ++part)
          hn::Store(numbers.take_pairs(), D(), tile + part * 2 * kTileFloats + pair * kLanes);
      }
  }
}

// The operands of 32 rows by 32 columns: so many blocks of channels.
struct SplitTiles {
  const float *inputs, *weights;
  std::int64_t blocks;
};

// Loads the two tiles of a part; the lower one of x need not be there.
template <int kPart, bool kLower>
HWY_INLINE void load_inputs(const float* inputs) {
  load_tile<4>(inputs + 2 * kPart * kTileFloats, kTileRowBytes);
  if constexpr (kLower) load_tile<5>(inputs + (2 * kPart + 1) * kTileFloats, kTileRowBytes);
}
template <int kPart>
HWY_INLINE void load_weights(const float* weights) {
  load_tile<6>(weights + 2 * kPart * kTileFloats, kTileRowBytes);
  load_tile<7>(weights + (2 * kPart + 1) * kTileFloats, kTileRowBytes);
}
template <bool kLower>
HWY_INLINE void multiply_loaded() {
  multiply_bf16_tiles<0, 4, 6>();
  multiply_bf16_tiles<1, 4, 7>();
  if constexpr (kLower) {
    multiply_bf16_tiles<2, 5, 6>();
    multiply_bf16_tiles<3, 5, 7>();
  }
}

// sums[32 rows][stride], 32 columns of them, (+)= x * w: of parts i and j, counted from 0, those with i + j < 3.
template <int kWeightParts, bool kLower>
void multiply_split(SplitTiles at, float* sums, std::int64_t stride, bool accumulate) {
  const std::int64_t bytes = stride * std::int64_t{sizeof(float)};
  float* const lower = sums + kTileRegisterRows * stride;
  if (accumulate) {
    load_tile<0>(sums, bytes);
    load_tile<1>(sums + kLanes, bytes);
    if constexpr (kLower) {
      load_tile<2>(lower, bytes);
      load_tile<3>(lower + kLanes, bytes);
    }
  } else {
    clear_tile<0>();
    clear_tile<1>();
    if constexpr (kLower) {
      clear_tile<2>();
      clear_tile<3>();
    }
  }
  for (std::int64_t i = 0; i < at.blocks; ++i) {
    load_weights<0>(at.weights);
    load_inputs<2, kLower>(at.inputs);
    multiply_loaded<kLower>();
    load_inputs<1, kLower>(at.inputs);
    multiply_loaded<kLower>();
    load_inputs<0, kLower>(at.inputs);
    multiply_loaded<kLower>();
    if constexpr (kWeightParts > 1) {
      load_weights<1>(at.weights);
      multiply_loaded<kLower>();
      if constexpr (kWeightParts > 2) {
        load_weights<2>(at.weights);
        multiply_loaded<kLower>();
        load_weights<1>(at.weights);
      }
      load_inputs<1, kLower>(at.inputs);
      multiply_loaded<kLower>();
    }
    at.inputs += kInputParts * 2 * kTileFloats;
    at.weights += kWeightParts * 2 * kTileFloats;
  }
  store_tile<0>(sums, bytes);
  store_tile<1>(sums + kLanes, bytes);
  if constexpr (kLower) {
    store_tile<2>(lower, bytes);
    store_tile<3>(lower + kLanes, bytes);
  }
}

using MultiplySplit = void (*)(SplitTiles, float*, std::int64_t, bool);

inline MultiplySplit multiply_split_for(DType weights, bool lower) {
  static constexpr MultiplySplit kTable[3][2] = {{multiply_split<1, false>, multiply_split<1, true>},
                                                 {multiply_split<2, false>, multiply_split<2, true>},
                                                 {multiply_split<3, false>, multiply_split<3, true>}};
  return kTable[weight_parts(weights) - 1][lower];
}

// Calls multiply(row, tiles) for every 32 rows, or what is left of them, with the registers set for so many.
template <class Multiply>
HWY_INLINE void for_split_rows(std::int64_t rows, DType weights, Multiply&& multiply) {
  const auto alike = [&](std::int64_t begin, std::int64_t end) {
    if (begin == end) return;
    const std::int64_t height = std::min(kSplitRows, end - begin);
    const TileRegisters registers(height);
    const MultiplySplit tiles = multiply_split_for(weights, height > kTileRegisterRows);
    for (std::int64_t row = begin; row < end; row += kSplitRows) multiply(row, tiles);
  };
  const std::int64_t whole = rows / kSplitRows * kSplitRows;
  alike(0, whole);
  alike(whole, rows);
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif

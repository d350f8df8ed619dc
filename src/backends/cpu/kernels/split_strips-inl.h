// The product of tiles of bf16 parts, 16 rows after the other; see split_product.h.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_SPLIT_STRIPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_SPLIT_STRIPS_INL_H_
#undef SAFELIGHT_CPU_SPLIT_STRIPS_INL_H_
#else
#define SAFELIGHT_CPU_SPLIT_STRIPS_INL_H_
#endif

#include <bit>
#include <utility>

#include "backends/cpu/kernels/split_product.h"
#include "backends/cpu/kernels/vector-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// 16 rows: tiles[block of channels][part]. They may be taken apart while they are multiplied.
struct LeftSide {
  // Takes apart rows [begin, end) of a block.
  using Take = void (*)(const LeftSide& side, std::int64_t block, std::int64_t begin, std::int64_t end);

  float* tiles;
  Take take = nullptr;  // null if all is taken apart
};

// How a left side of inputs lies, in floats, and its rows, in bytes. A convolution's taps read the same tiles from
// different places.
struct LeftLayout {
  std::int64_t part_stride = kTileFloats, block_stride = kInputParts * kTileFloats, row_bytes = kTileRowBytes;
  std::int64_t taps = 1;
  const std::int64_t* offsets = nullptr;  // [taps]; unused where there is one
};

// The operands of 16 rows by some columns, and where their sums lie: tile t's row i at sums[t * tile_stride + i *
// row_stride].
struct Strip {
  const LeftSide& left;
  const float* right;  // [block of channels][tap][part][tile]
  std::int64_t blocks;
  float* sums;
  std::int64_t row_stride, tile_stride;
  bool accumulate;
  LeftLayout layout = {};           // of a convolution
  const LeftSide* lower = nullptr;  // of a pair: the next 16 rows, whose sums lie 16 * row_stride after
};

// Registers: sums from 0 on, up to five of the left side below 7, the right side's tile in 7.
constexpr int kRightRegister = 7;

template <int kTiles>
HWY_INLINE void load_sums(const Strip& strip) {
  const auto load = [&]<int t>() {
    if (strip.accumulate)
      load_tile<t>(strip.sums + t * strip.tile_stride, strip.row_stride * std::int64_t{sizeof(float)});
    else
      clear_tile<t>();
  };
  [&]<int... t>(std::integer_sequence<int, t...>) { (load.template operator()<t>(), ...); }
  (std::make_integer_sequence<int, kTiles>());
}

template <int kTiles>
HWY_INLINE void store_sums(const Strip& strip) {
  [&]<int... t>(std::integer_sequence<int, t...>) {
    (store_tile<t>(strip.sums + t * strip.tile_stride, strip.row_stride * std::int64_t{sizeof(float)}), ...);
  }
  (std::make_integer_sequence<int, kTiles>());
}

// Of parts i and j, counted from 0, those with i + j < 3 are multiplied: so many products.
constexpr int products_of(int parts) { return parts == 1 ? 3 : parts == 2 ? 5 : 6; }

// Measured on Sapphire Rapids: where more than some 120 multiplications of tiles lie between two stores of tiles, the
// later store takes a quarter of a microsecond longer, as long as 50 of them. So sums are stored every few blocks,
// which costs next to nothing.
template <int kTiles, int kProducts>
HWY_INLINE void store_now_and_then(float* sums, std::int64_t row_stride, std::int64_t block) {
  constexpr std::int64_t kBlocks = std::bit_floor(96u / (kTiles * kProducts));
  if (block % kBlocks == kBlocks - 1) store_tile<0>(sums, row_stride * std::int64_t{sizeof(float)});
}

// What is done with one block of channels: passes over the right side's tiles, and in between, evenly, the left side's
// next block is taken apart.
template <int kTiles, int kPasses>
class Block {
 public:
  Block(const Strip& strip, std::int64_t index) : left_(strip.left), next_(index + 1 < strip.blocks ? index + 1 : 0) {}

  // Multiplies tiles of one part of the right side with those of the left side in registers kLeft, one after the other.
  template <int kPass, int... kLeft>
  HWY_INLINE void pass(const float* right) const {
    [&]<int... t>(std::integer_sequence<int, t...>) {
      (step<kPass * kTiles + t, t, kLeft...>(right + t * kTileFloats), ...);
    }
    (std::make_integer_sequence<int, kTiles>());
  }

 private:
  template <int kStep, int kSums, int... kLeft>
  HWY_INLINE void step(const float* right) const {
    constexpr int kSteps = kTiles * kPasses, kBegin = kStep * 8 / kSteps * 2, kEnd = (kStep + 1) * 8 / kSteps * 2;
    load_tile<kRightRegister>(right, kTileRowBytes);
    (multiply_bf16_tiles<kSums, kLeft, kRightRegister>(), ...);
    if constexpr (kBegin < kEnd)
      if (left_.take && next_) left_.take(left_, next_, kBegin, kEnd);
  }

  const LeftSide& left_;
  std::int64_t next_;
};

// Inputs are left, of three parts; the right side has kParts. Constants where there are no taps: a strip of attention
// is so short that it took a twentieth longer without.
template <int kParts, int kTiles, bool kTaps>
void multiply_inputs_left(const Strip& strip) {
  const LeftLayout layout = kTaps ? strip.layout : LeftLayout{};
  load_sums<kTiles>(strip);
  if (strip.left.take) strip.left.take(strip.left, 0, 0, kSplitRows);
  const float *left = strip.left.tiles, *right = strip.right;
  std::int64_t done = 0;
  for (std::int64_t i = 0; i < strip.blocks; ++i, left += layout.block_stride)
    for (std::int64_t tap = 0; tap < layout.taps; ++tap) {
      const Block<kTiles, kParts> block(strip, i);
      const float* part = kTaps ? left + layout.offsets[tap] : left;
      load_tile<4>(part, layout.row_bytes);
      if constexpr (kParts > 2) block.template pass<0, 4>(right + 2 * kTiles * kTileFloats);
      load_tile<5>(part + layout.part_stride, layout.row_bytes);
      if constexpr (kParts > 1) block.template pass<kParts - 2, 5, 4>(right + kTiles * kTileFloats);
      load_tile<6>(part + 2 * layout.part_stride, layout.row_bytes);
      block.template pass<kParts - 1, 6, 5, 4>(right);
      store_now_and_then<kTiles, products_of(kParts)>(strip.sums, strip.row_stride, done++);
      right += kParts * kTiles * kTileFloats;
    }
  store_sums<kTiles>(strip);
}

// Weights are left, of kParts; inputs are right.
template <int kParts, int kTiles>
void multiply_weights_left(const Strip& strip) {
  load_sums<kTiles>(strip);
  if (strip.left.take) strip.left.take(strip.left, 0, 0, kSplitRows);
  const float *left = strip.left.tiles, *right = strip.right;
  for (std::int64_t i = 0; i < strip.blocks; ++i) {
    const Block<kTiles, kParts == 3 ? 4 : 3> block(strip, i);
    load_tile<5>(left, kTileRowBytes);
    block.template pass<0, 5>(right + 2 * kTiles * kTileFloats);
    if constexpr (kParts == 1) {
      block.template pass<1, 5>(right + kTiles * kTileFloats);
      block.template pass<2, 5>(right);
    } else {
      load_tile<6>(left + kTileFloats, kTileRowBytes);
      block.template pass<1, 5, 6>(right + kTiles * kTileFloats);
      if constexpr (kParts == 3) {
        load_tile<5>(left + 2 * kTileFloats, kTileRowBytes);
        block.template pass<2, 5, 6>(right);
        load_tile<5>(left, kTileRowBytes);
        block.template pass<3, 5>(right);
      } else {
        block.template pass<2, 6, 5>(right);
      }
    }
    store_now_and_then<kTiles, products_of(kParts)>(strip.sums, strip.row_stride, i);
    left += kParts * kTileFloats;
    right += kInputParts * kTiles * kTileFloats;
  }
  store_sums<kTiles>(strip);
}

// One part on either side, whichever is left.
template <int kTiles, bool kTaps>
void multiply_rounded(const Strip& strip) {
  const LeftLayout layout = kTaps ? strip.layout : LeftLayout{.block_stride = kTileFloats};
  load_sums<kTiles>(strip);
  if (strip.left.take) strip.left.take(strip.left, 0, 0, kSplitRows);
  const float *left = strip.left.tiles, *right = strip.right;
  std::int64_t done = 0;
  for (std::int64_t i = 0; i < strip.blocks; ++i, left += layout.block_stride)
    for (std::int64_t tap = 0; tap < layout.taps; ++tap) {
      const Block<kTiles, 1> block(strip, i);
      load_tile<6>(kTaps ? left + layout.offsets[tap] : left, layout.row_bytes);
      block.template pass<0, 6>(right);
      store_now_and_then<kTiles, 1>(strip.sums, strip.row_stride, done++);
      right += kTiles * kTileFloats;
    }
  store_sums<kTiles>(strip);
}

// The next block of both sides of a pair is taken apart in four pieces, between multiplications.
template <int kPiece>
HWY_INLINE void take_of_pair(const Strip& strip, std::int64_t block) {
  const LeftSide& side = kPiece < 2 ? strip.left : *strip.lower;
  constexpr std::int64_t kBegin = kPiece % 2 * kSplitRows / 2;
  side.take(side, block, kBegin, kBegin + kSplitRows / 2);
}

// Two strips by one or two of the right side's kTiles, from kFirst on: each tile that is loaded is multiplied twice.
// Registers: sums in 0 to 3, the left sides in 4 and 5, the right one in 6 and 7.
template <int kTiles, int kFirst, bool kTaps>
HWY_INLINE void multiply_pair_by(const Strip& strip) {
  constexpr bool kTwo = kFirst + 1 < kTiles;
  const LeftLayout layout = kTaps ? strip.layout : LeftLayout{.block_stride = kTileFloats};
  const bool takes = kFirst == 0 && strip.left.take;
  const std::int64_t row_bytes = strip.row_stride * std::int64_t{sizeof(float)};
  float *upper = strip.sums + kFirst * strip.tile_stride, *lower = upper + kSplitRows * strip.row_stride;
  if (strip.accumulate) {
    load_tile<0>(upper, row_bytes), load_tile<2>(lower, row_bytes);
    if constexpr (kTwo) load_tile<1>(upper + strip.tile_stride, row_bytes);
    if constexpr (kTwo) load_tile<3>(lower + strip.tile_stride, row_bytes);
  } else {
    clear_tile<0>(), clear_tile<1>(), clear_tile<2>(), clear_tile<3>();
  }
  if (takes) {
    strip.left.take(strip.left, 0, 0, kSplitRows);
    strip.lower->take(*strip.lower, 0, 0, kSplitRows);
  }
  const float *left = strip.left.tiles, *below = strip.lower->tiles, *right = strip.right + kFirst * kTileFloats;
  std::int64_t done = 0;
  for (std::int64_t i = 0; i < strip.blocks; ++i, left += layout.block_stride, below += layout.block_stride)
    for (std::int64_t tap = 0; tap < layout.taps; ++tap, right += kTiles * kTileFloats) {
      const std::int64_t offset = kTaps ? layout.offsets[tap] : 0, next = takes && i + 1 < strip.blocks ? i + 1 : 0;
      load_tile<6>(right, kTileRowBytes);
      load_tile<4>(left + offset, layout.row_bytes);
      multiply_bf16_tiles<0, 4, 6>();
      if (next) take_of_pair<0>(strip, next);
      load_tile<5>(below + offset, layout.row_bytes);
      multiply_bf16_tiles<2, 5, 6>();
      if (next) take_of_pair<1>(strip, next);
      if constexpr (kTwo) {
        load_tile<7>(right + kTileFloats, kTileRowBytes);
        multiply_bf16_tiles<1, 4, 7>();
      }
      if (next) take_of_pair<2>(strip, next);
      if constexpr (kTwo) multiply_bf16_tiles<3, 5, 7>();
      if (next) take_of_pair<3>(strip, next);
      store_now_and_then<kTwo ? 2 : 1, 2>(upper, strip.row_stride, done++);
    }
  store_tile<0>(upper, row_bytes), store_tile<2>(lower, row_bytes);
  if constexpr (kTwo) store_tile<1>(upper + strip.tile_stride, row_bytes);
  if constexpr (kTwo) store_tile<3>(lower + strip.tile_stride, row_bytes);
}

// Without `lower` it is a strip, not a pair.
template <int kTiles, bool kTaps>
void multiply_rounded_pair(const Strip& strip) {
  if (!strip.lower) return multiply_rounded<kTiles, kTaps>(strip);
  multiply_pair_by<kTiles, 0, kTaps>(strip);
  if constexpr (kTiles > 2) multiply_pair_by<kTiles, 2, kTaps>(strip);
}

using MultiplyStrip = void (*)(const Strip& strip);

// REQUIRES: 1 <= tiles <= 4.
template <bool kTaps>
MultiplyStrip multiply_rounded_pair_for(std::int64_t tiles) {
  static constexpr MultiplyStrip kTable[] = {multiply_rounded_pair<1, kTaps>, multiply_rounded_pair<2, kTaps>,
                                             multiply_rounded_pair<3, kTaps>, multiply_rounded_pair<4, kTaps>};
  return kTable[tiles - 1];
}

// REQUIRES: 1 <= tiles <= 5.
inline MultiplyStrip multiply_rounded_for(std::int64_t tiles) {
  static constexpr MultiplyStrip kTable[] = {multiply_rounded<1, false>, multiply_rounded<2, false>,
                                             multiply_rounded<3, false>, multiply_rounded<4, false>,
                                             multiply_rounded<5, false>};
  return kTable[tiles - 1];
}

// Of one part on either side it takes pairs, too. REQUIRES: as many parts as there are, 1 <= tiles <= 4.
template <bool kTaps = false>
MultiplyStrip multiply_inputs_left_for(const SplitParts& parts, std::int64_t tiles) {
  if (parts.inputs == 1) return multiply_rounded_pair_for<kTaps>(tiles);
  static constexpr MultiplyStrip kTable[3][4] = {
      {multiply_inputs_left<1, 1, kTaps>, multiply_inputs_left<1, 2, kTaps>, multiply_inputs_left<1, 3, kTaps>,
       multiply_inputs_left<1, 4, kTaps>},
      {multiply_inputs_left<2, 1, kTaps>, multiply_inputs_left<2, 2, kTaps>, multiply_inputs_left<2, 3, kTaps>,
       multiply_inputs_left<2, 4, kTaps>},
      {multiply_inputs_left<3, 1, kTaps>, multiply_inputs_left<3, 2, kTaps>, multiply_inputs_left<3, 3, kTaps>,
       multiply_inputs_left<3, 4, kTaps>}};
  return kTable[parts.weights - 1][tiles - 1];
}

// REQUIRES: as many parts as there are, 1 <= tiles <= 5.
inline MultiplyStrip multiply_weights_left_for(const SplitParts& parts, std::int64_t tiles) {
  if (parts.inputs == 1) return multiply_rounded_for(tiles);
  static constexpr MultiplyStrip kTable[3][kMostGroupTiles] = {
      {multiply_weights_left<1, 1>, multiply_weights_left<1, 2>, multiply_weights_left<1, 3>,
       multiply_weights_left<1, 4>, multiply_weights_left<1, 5>},
      {multiply_weights_left<2, 1>, multiply_weights_left<2, 2>, multiply_weights_left<2, 3>,
       multiply_weights_left<2, 4>, multiply_weights_left<2, 5>},
      {multiply_weights_left<3, 1>, multiply_weights_left<3, 2>, multiply_weights_left<3, 3>,
       multiply_weights_left<3, 4>, multiply_weights_left<3, 5>}};
  return kTable[parts.weights - 1][tiles - 1];
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif

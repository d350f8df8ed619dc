// Floats taken apart into parts of bf16, in tiles; see split_product.h.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_SPLIT_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_SPLIT_TILES_INL_H_
#undef SAFELIGHT_CPU_SPLIT_TILES_INL_H_
#else
#define SAFELIGHT_CPU_SPLIT_TILES_INL_H_
#endif

#include <algorithm>

#include "backends/cpu/kernels/bf16-inl.h"
#include "backends/cpu/kernels/split_product.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// Parts of one row of a left side's 32 channels, of which a tile holds 16 rows. One part alone is the nearest: of a
// weight that has no more it is the weight.
template <int kParts>
HWY_INLINE void store_parts(Numbers numbers, float* to, std::int64_t part_stride = kTileFloats) {
  if constexpr (kParts == 1) return hn::Store(numbers.rounded(), D(), to);
  SAFELIGHT_UNROLL
  for (int part = 0; part < kParts; ++part) hn::Store(numbers.take_part(), D(), to + part * part_stride);
}

// A right side's rows are pairs of channels: those of `pair`, of 16 columns.
template <int kParts>
HWY_INLINE void store_pair(Numbers numbers, std::int64_t pair, float* to, std::int64_t part_stride) {
  if constexpr (kParts == 1) return hn::Store(numbers.rounded_pairs(), D(), to + pair * kLanes);
  SAFELIGHT_UNROLL
  for (int part = 0; part < kParts; ++part)
    hn::Store(numbers.take_pairs(), D(), to + part * part_stride + pair * kLanes);
}

// A left side of rows that numbers_of(row, at) reads, channels [at, at + 32) of one, 16 of them at most: to[block of
// channels][part].
template <int kParts, class NumbersOf>
HWY_INLINE void split_rows(std::int64_t rows, std::int64_t channels, NumbersOf&& numbers_of, float* to) {
  for (std::int64_t at = 0; at < channels; at += kSplitChannels, to += kParts * kTileFloats)
    for (std::int64_t row = 0; row < rows; ++row) store_parts<kParts>(numbers_of(row, at), to + row * kLanes);
}

// A right side's 16 columns, from `channels` rows of floats, one after the other `stride` floats: to[block of
// channels][part][tile], of which one tile of so many; where there are no more channels, zeros.
template <int kParts>
HWY_INLINE void split_column_tile(const float* from, std::int64_t channels, std::int64_t stride, std::int64_t tiles,
                                  float* to) {
  const V zero = hn::Zero(D());
  for (std::int64_t at = 0; at < channels; at += kSplitChannels, to += kParts * tiles * kTileFloats)
    for (std::int64_t pair = 0; pair < kSplitChannels / 2; ++pair) {
      const std::int64_t first = at + 2 * pair;
      store_pair<kParts>({first < channels ? load(from + first * stride) : zero,
                          first + 1 < channels ? load(from + (first + 1) * stride) : zero},
                         pair, to, tiles * kTileFloats);
    }
}

// `columns` of them, a multiple of 16.
template <int kParts>
void split_columns(const float* from, std::int64_t channels, std::int64_t columns, float* to) {
  const std::int64_t tiles = columns / kLanes;
  for (std::int64_t tile = 0; tile < tiles; ++tile)
    split_column_tile<kParts>(from + tile * kLanes, channels, columns, tiles, to + tile * kTileFloats);
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif

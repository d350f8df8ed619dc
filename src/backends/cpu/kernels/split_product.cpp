// The product on tiles of bf16: both sides taken apart, and the multiplication.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/split_product.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include "backends/cpu/kernels/microkernel-inl.h"
#include "backends/cpu/kernels/panel-inl.h"
#include "backends/cpu/kernels/split_product.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
namespace {

// 32 neighbours of a row, of which bf16 parts are taken, the largest first.
class Numbers {
 public:
  Numbers(V lower, V upper) : lower_(lower), upper_(upper) {}

  // The first 8 bits of what is left of each number, 16 pairs of neighbours. They are taken off, exactly.
  HWY_INLINE V take_part() {
    const hn::RebindToUnsigned<D> du;
    const hn::Repartition<std::uint16_t, D> d16;
    const auto part_of = [&](V v) { return hn::BitCast(D(), hn::And(hn::BitCast(du, v), hn::Set(du, 0xFFFF0000u))); };
    const V part = hn::BitCast(D(), hn::ConcatOdd(d16, hn::BitCast(d16, upper_), hn::BitCast(d16, lower_)));
    lower_ = hn::Sub(lower_, part_of(lower_));
    upper_ = hn::Sub(upper_, part_of(upper_));
    return part;
  }

 private:
  V lower_, upper_;
};

template <class Stored>
constexpr int kParts = std::is_same_v<Stored, F32Weights>   ? 3
                       : std::is_same_v<Stored, F16Weights> ? 2
                                                            : 1;

// Rows of 32 channels of 16 output channels become tiles, whose rows are pairs of channels: to[part * part_stride].
template <class Stored>
HWY_INLINE void pack_tile(const std::uint8_t* from, std::int64_t stride, float* to, std::int64_t part_stride) {
  const auto numbers_at = [](const std::uint8_t* at) {
    return Numbers(Stored::widen(at), Stored::widen(at + kLanes * Stored::kBytes));
  };
  if constexpr (Stored::kBytes == 2) {  // pairs as they are stored fill a lane: one transposition does for all parts
    V rows[kLanes];
    SAFELIGHT_UNROLL
    for (int r = 0; r < kLanes; ++r) rows[r] = load_bytes(D(), from + r * stride);
    transpose(rows);
    SAFELIGHT_UNROLL
    for (int r = 0; r < kLanes; ++r) {
      alignas(64) std::uint8_t pairs[kTileRowBytes];
      hn::Store(rows[r], D(), reinterpret_cast<float*>(pairs));
      Numbers numbers = numbers_at(pairs);
      SAFELIGHT_UNROLL
      for (int p = 0; p < kParts<Stored>; ++p) hn::Store(numbers.take_part(), D(), to + p * part_stride + r * kLanes);
    }
  } else {
    V parts[kParts<Stored>][kLanes];
    for (int r = 0; r < kLanes; ++r) {
      Numbers numbers = numbers_at(from + r * stride);
      for (int p = 0; p < kParts<Stored>; ++p) parts[p][r] = numbers.take_part();
    }
    for (int p = 0; p < kParts<Stored>; ++p) {
      transpose(parts[p]);
      for (int r = 0; r < kLanes; ++r) hn::Store(parts[p][r], D(), to + p * part_stride + r * kLanes);
    }
  }
}

// In-channels [in_begin, in_end) of some output channels, 16 at most: to[block of channels][part][2 tiles], of which
// one.
template <class Stored>
void pack_column_tile(const StoredWeight& w, PanelColumns columns, std::int64_t in_begin, std::int64_t in_end,
                      float* to) {
  const std::int64_t row_bytes = w.in * Stored::kBytes;
  const auto* from =
      reinterpret_cast<const std::uint8_t*>(w.data) + columns.first * row_bytes + in_begin * Stored::kBytes;
  alignas(64) std::uint8_t edge[kLanes * kSplitChannels * Stored::kBytes];
  for (std::int64_t at = in_begin; at < in_end; at += kSplitChannels) {
    const std::int64_t width = std::min(kSplitChannels, in_end - at);
    if (width < kSplitChannels || columns.count < kLanes) {  // nothing beyond the weight may be touched
      std::memset(edge, 0, sizeof edge);
      for (std::int64_t r = 0; r < columns.count; ++r)
        std::memcpy(edge + r * kSplitChannels * Stored::kBytes, from + r * row_bytes,
                    static_cast<std::size_t>(width) * Stored::kBytes);
      pack_tile<Stored>(edge, kSplitChannels * Stored::kBytes, to, 2 * kTileFloats);
    } else {
      for (int r = 0; r < kLanes; ++r) __builtin_prefetch(from + r * row_bytes + kFetchedAhead);
      pack_tile<Stored>(from, row_bytes, to, 2 * kTileFloats);
    }
    from += kSplitChannels * Stored::kBytes;
    to += kParts<Stored> * 2 * kTileFloats;
  }
}

// 32 columns, or 16 and 16 of a geglu's halves, from y's channel `first` on.
HWY_NOINLINE void pack_columns_split(const ProductCall& call, const Panel& panel, std::int64_t in_begin,
                                     std::int64_t in_end, float* to) {
  for (std::int64_t tile = 0; tile < 2; ++tile) {
    const std::int64_t before = call.tail.geglu ? 0 : tile * kLanes;
    const std::int64_t first = panel.first + before + (call.tail.geglu ? tile * call.channels : 0);
    const std::int64_t count = std::clamp<std::int64_t>(panel.count - before, 0, kLanes);
    for_stored(call.weight.type, [&]<class Stored>(Stored) {
      pack_column_tile<Stored>(call.weight, {first, count}, in_begin, in_end, to + tile * kTileFloats);
    });
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

// sums[32][32] (+)= x * w: of parts i and j, counted from 0, those with i + j < 3.
template <int kWeightParts, bool kLower>
void multiply_split(SplitTiles at, float* sums, bool accumulate) {
  constexpr std::int64_t kStride = kSplitColumns * sizeof(float);
  float* const lower = sums + kTileRegisterRows * kSplitColumns;
  if (accumulate) {
    load_tile<0>(sums, kStride);
    load_tile<1>(sums + kLanes, kStride);
    if constexpr (kLower) {
      load_tile<2>(lower, kStride);
      load_tile<3>(lower + kLanes, kStride);
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
  store_tile<0>(sums, kStride);
  store_tile<1>(sums + kLanes, kStride);
  if constexpr (kLower) {
    store_tile<2>(lower, kStride);
    store_tile<3>(lower + kLanes, kStride);
  }
}

using MultiplySplit = void (*)(SplitTiles, float*, bool);

MultiplySplit multiply_split_for(DType weights, bool lower) {
  static constexpr MultiplySplit kTable[3][2] = {{multiply_split<1, false>, multiply_split<1, true>},
                                                 {multiply_split<2, false>, multiply_split<2, true>},
                                                 {multiply_split<3, false>, multiply_split<3, true>}};
  return kTable[weight_parts(weights) - 1][lower];
}

// Channels [at, at + 32) of a row, which may lie in two matrices; beyond its end zeros.
Numbers numbers_of(const PixelSource& s, std::int64_t row, std::int64_t at) {
  const float *x = s.x + row * s.channels, *rest = s.rest + row * s.rest_channels;
  const auto from = [&](const float* p, std::int64_t left) {
    return Numbers(load_some(p, left), load_some(p + kLanes, std::max<std::int64_t>(left - kLanes, 0)));
  };
  if (!s.rest || at + kSplitChannels <= s.channels) return from(x + at, s.channels - at);
  if (at >= s.channels) return from(rest + at - s.channels, s.channels + s.rest_channels - at);
  alignas(64) float both[kSplitChannels] = {};
  const std::int64_t of_rest = std::min(kSplitChannels - (s.channels - at), s.rest_channels);
  std::copy_n(rest, of_rest, std::copy_n(x + at, s.channels - at, both));
  return from(both, kSplitChannels);
}

// Floats of each row that are fetched before they are taken apart: 32 rows are too many for the processor to guess.
constexpr std::int64_t kRowFetchedAhead = 4 * kSplitChannels;

// In-channels [in_begin, in_end) of rows [row, row + rows): to[block of channels][part][upper and lower tile].
HWY_NOINLINE void split_rows(const PixelSource& s, std::int64_t row, std::int64_t rows, std::int64_t in_begin,
                             std::int64_t in_end, float* to) {
  for (std::int64_t at = in_begin; at < in_end; at += kSplitChannels, to += kInputParts * 2 * kTileFloats)
    for (std::int64_t i = 0; i < rows; ++i) {
      const float* ahead = s.x + (row + i) * s.channels + at + kRowFetchedAhead;
      __builtin_prefetch(ahead);
      __builtin_prefetch(ahead + kLineFloats);
      Numbers numbers = numbers_of(s, row + i, at);
      SAFELIGHT_UNROLL
      for (int part = 0; part < kInputParts; ++part)  // the lower tile follows the upper one's 16 rows
        hn::Store(numbers.take_part(), D(), to + part * 2 * kTileFloats + i * kLanes);
    }
}

}  // namespace

void split_product(const ProductCall& call, std::int64_t task, float* scratch) {
  const std::int64_t row_begin = task / call.channel_blocks() * call.row_block,
                     row_end = std::min(row_begin + call.row_block, call.rows),
                     channel_begin = task % call.channel_blocks() * call.channel_block,
                     channel_end = std::min(channel_begin + call.channel_block, call.channels);
  const std::int64_t channels = split_column_channels(call), columns = divide_up(channel_end - channel_begin, channels);
  const auto panel_of = [&](std::int64_t column) {
    const std::int64_t first = channel_begin + column * channels;
    return Panel{first, std::min(channels, channel_end - first), 2};
  };
  const SplitScratch layout = split_scratch(call);
  float *const inputs = scratch, *const all_sums = scratch + layout.sums_at,
               *const weights = scratch + layout.weights_at;
  for (std::int64_t in_begin = 0; in_begin < call.weight.in; in_begin += call.in_block) {
    const std::int64_t in_end = std::min(in_begin + call.in_block, call.weight.in),
                       blocks = divide_up(in_end - in_begin, kSplitChannels),
                       column_floats = blocks * weight_parts(call.weight.type) * 2 * kTileFloats;
    const bool last = in_end == call.weight.in, passes = call.in_block < call.weight.in;
    for (std::int64_t column = 0; column < columns; ++column)
      pack_columns_split(call, panel_of(column), in_begin, in_end, weights + column * column_floats);
    for (std::int64_t row = row_begin; row < row_end; row += kSplitRows) {
      const std::int64_t rows = std::min(kSplitRows, row_end - row);
      split_rows(call.source, row, rows, in_begin, in_end, inputs);
      const TileRegisters registers(rows);
      const MultiplySplit multiply = multiply_split_for(call.weight.type, rows > kTileRegisterRows);
      for (std::int64_t column = 0; column < columns; ++column) {
        const std::int64_t place = passes ? (row - row_begin) / kSplitRows * columns + column : 0;
        float* sums = all_sums + place * kSplitRows * kSplitColumns;
        multiply({inputs, weights + column * column_floats, blocks}, sums, in_begin > 0);
        if (last) finish_tile(call, panel_of(column), sums, kSplitColumns, row, rows);
      }
    }
  }
}
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

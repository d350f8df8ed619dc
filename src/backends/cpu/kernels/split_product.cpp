// The product on tiles of bf16: both sides taken apart, and the multiplication.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/split_product.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include "backends/cpu/kernels/microkernel-inl.h"
#include "backends/cpu/kernels/panel-inl.h"
#include "backends/cpu/kernels/split_tiles-inl.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
namespace {

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

// Floats of each row that are fetched before they are taken apart: 32 rows are too many for the processor to guess.
constexpr std::int64_t kRowFetchedAhead = 4 * kSplitChannels;

// Channels [at, at + 32) of a row, which may lie in two matrices; beyond its end zeros.
HWY_INLINE Numbers numbers_of(const PixelSource& s, std::int64_t row, std::int64_t at) {
  const float* x = s.x + row * s.channels;
  __builtin_prefetch(x + at + kRowFetchedAhead);
  __builtin_prefetch(x + at + kRowFetchedAhead + kLineFloats);
  if (!s.rest || at + kSplitChannels <= s.channels) return numbers_at(x + at, s.channels - at);
  const float* rest = s.rest + row * s.rest_channels;
  if (at >= s.channels) return numbers_at(rest + at - s.channels, s.channels + s.rest_channels - at);
  alignas(64) float both[kSplitChannels] = {};
  const std::int64_t of_rest = std::min(kSplitChannels - (s.channels - at), s.rest_channels);
  std::copy_n(rest, of_rest, std::copy_n(x + at, s.channels - at, both));
  return numbers_at(both, kSplitChannels);
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
      split_rows(
          rows, in_begin, in_end, [&](std::int64_t i, std::int64_t at) { return numbers_of(call.source, row + i, at); },
          inputs);
      const TileRegisters registers(rows);
      const MultiplySplit multiply = multiply_split_for(call.weight.type, rows > kTileRegisterRows);
      for (std::int64_t column = 0; column < columns; ++column) {
        const std::int64_t place = passes ? (row - row_begin) / kSplitRows * columns + column : 0;
        float* sums = all_sums + place * kSplitRows * kSplitColumns;
        multiply({inputs, weights + column * column_floats, blocks}, sums, kSplitColumns, in_begin > 0);
        if (last) finish_tile(call, panel_of(column), sums, kSplitColumns, row, rows);
      }
    }
  }
}
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

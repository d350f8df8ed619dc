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
constexpr int kParts = weight_parts(Stored::kType);

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

// One task's share of the call and of the scratch, and of the in-channels those of one pass.
struct Share {
  const ProductCall& call;
  std::int64_t row_begin, row_end, channel_begin, channel_end, columns;
  float *inputs, *sums, *weights;
  std::int64_t in_begin = 0, in_end = 0;

  std::int64_t blocks() const { return divide_up(in_end - in_begin, kSplitChannels); }
  bool passes() const { return call.in_block < call.weight.in; }

  Panel panel(std::int64_t column) const {
    const std::int64_t channels = split_column_channels(call), first = channel_begin + column * channels;
    return {first, std::min(channels, channel_end - first), 2};
  }
};

Share share_of(const ProductCall& call, std::int64_t task, float* scratch) {
  const std::int64_t rows = task / call.channel_blocks() * call.row_block,
                     channels = task % call.channel_blocks() * call.channel_block,
                     channel_end = std::min(channels + call.channel_block, call.channels);
  const SplitScratch layout = split_scratch(call);
  return {call,
          rows,
          std::min(rows + call.row_block, call.rows),
          channels,
          channel_end,
          divide_up(channel_end - channels, split_column_channels(call)),
          scratch,
          scratch + layout.sums_at,
          scratch + layout.weights_at};
}

void split_rows_of(const Share& share, std::int64_t row, std::int64_t rows, float* to) {
  split_rows(
      rows, share.in_begin, share.in_end,
      [&](std::int64_t i, std::int64_t at) { return numbers_of(share.call.source, row + i, at); }, to);
}

void finish_sums(const Share& share, std::int64_t column, std::int64_t row, std::int64_t rows, const float* sums) {
  if (share.in_end == share.call.weight.in)
    finish_tile(share.call, share.panel(column), sums, kSplitColumns, row, rows);
}

// Takes apart all weights of the pass, then 32 rows after the other.
void multiply_many_rows(const Share& share) {
  const DType type = share.call.weight.type;
  const std::int64_t column_floats = share.blocks() * weight_parts(type) * 2 * kTileFloats;
  for (std::int64_t column = 0; column < share.columns; ++column)
    pack_columns_split(share.call, share.panel(column), share.in_begin, share.in_end,
                       share.weights + column * column_floats);
  for (std::int64_t row = share.row_begin; row < share.row_end; row += kSplitRows) {
    const std::int64_t rows = std::min(kSplitRows, share.row_end - row);
    split_rows_of(share, row, rows, share.inputs);
    const TileRegisters registers(rows);
    const MultiplySplit multiply = multiply_split_for(type, rows > kTileRegisterRows);
    for (std::int64_t column = 0; column < share.columns; ++column) {
      const std::int64_t place = share.passes() ? (row - share.row_begin) / kSplitRows * share.columns + column : 0;
      float* sums = share.sums + place * kSplitRows * kSplitColumns;
      multiply({share.inputs, share.weights + column * column_floats, share.blocks()}, sums, kSplitColumns,
               share.in_begin > 0);
      finish_sums(share, column, row, rows, sums);
    }
  }
}

// Takes apart all rows, then 32 columns of weights after the other.
void multiply_few_rows(const Share& share) {
  const DType type = share.call.weight.type;
  const std::int64_t rows = share.row_end - share.row_begin, row_floats = split_floats(share.in_end - share.in_begin);
  for (std::int64_t row = 0; row < rows; row += kSplitRows)
    split_rows_of(share, share.row_begin + row, std::min(kSplitRows, rows - row),
                  share.inputs + row / kSplitRows * row_floats);
  for (std::int64_t column = 0; column < share.columns; ++column) {
    float* const sums = share.sums + (share.passes() ? column * round_up(rows, kSplitRows) * kSplitColumns : 0);
    pack_columns_split(share.call, share.panel(column), share.in_begin, share.in_end, share.weights);
    for_split_rows(rows, type, [&](std::int64_t row, MultiplySplit tiles) {
      tiles({share.inputs + row / kSplitRows * row_floats, share.weights, share.blocks()}, sums + row * kSplitColumns,
            kSplitColumns, share.in_begin > 0);
    });
    finish_sums(share, column, share.row_begin, rows, sums);
  }
}

}  // namespace

void split_product(const ProductCall& call, std::int64_t task, float* scratch) {
  Share share = share_of(call, task, scratch);
  for (; share.in_begin < call.weight.in; share.in_begin += call.in_block) {
    share.in_end = std::min(share.in_begin + call.in_block, call.weight.in);
    if (has_few_rows(call))
      multiply_few_rows(share);
    else
      multiply_many_rows(share);
  }
}
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

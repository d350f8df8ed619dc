// The product on tiles of bf16: both sides taken apart, and the multiplication.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/split_product.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include "backends/cpu/kernels/microkernel-inl.h"
#include "backends/cpu/kernels/panel-inl.h"
#include "backends/cpu/kernels/split_strips-inl.h"
#include "backends/cpu/kernels/split_tiles-inl.h"
#include "backends/cpu/kernels/weight_tiles-inl.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
namespace {

// Calls use<Stored, parts>() for the weights of a call.
template <class Use>
HWY_INLINE auto for_stored_parts(const ProductCall& call, Use&& use) {
  return for_stored(call.weight.type, [&]<class Stored>(Stored) {
    constexpr int kParts = weight_parts(Stored::kType);
    if constexpr (kParts > 1)
      if (call.rounded) return use.template operator()<Stored, 1>();
    return use.template operator()<Stored, kParts>();
  });
}

// The same columns as a left side's rows: channels of the pass, `channels` from `first` on.
struct LeftWeights : LeftSide {
  const std::uint8_t* first;  // of the first row
  std::int64_t row_bytes, rows, channels;
};

// Where not all 16 rows of 32 channels are there.
template <class Stored, int kParts>
HWY_NOINLINE void take_edge_of_weights(const LeftWeights& w, std::int64_t block, std::int64_t begin, std::int64_t end) {
  const std::int64_t left = w.channels - block * kSplitChannels;
  for (std::int64_t row = begin; row < end; ++row) {
    const std::uint8_t* from = w.first + row * w.row_bytes + block * kSplitChannels * Stored::kBytes;
    const std::int64_t here = row < w.rows ? left : 0;
    store_parts<kParts>({widen_some<Stored>(from, here),
                         widen_some<Stored>(from + kLanes * Stored::kBytes, std::max<std::int64_t>(here - kLanes, 0))},
                        w.tiles + block * kParts * kTileFloats + row * kLanes);
  }
}

template <class Stored, int kParts>
void take_weights(const LeftSide& side, std::int64_t block, std::int64_t begin, std::int64_t end) {
  const auto& w = static_cast<const LeftWeights&>(side);
  if (w.rows < kSplitRows || w.channels < (block + 1) * kSplitChannels)
    return take_edge_of_weights<Stored, kParts>(w, block, begin, end);
  const std::uint8_t* from = w.first + begin * w.row_bytes + block * kSplitChannels * Stored::kBytes;
  float *to = w.tiles + block * kParts * kTileFloats, *last = to + end * kLanes;
  for (to += begin * kLanes; to < last; to += kLanes, from += w.row_bytes) {
    __builtin_prefetch(from + kFetchedAhead);
    store_parts<kParts>({Stored::widen(from), Stored::widen(from + kLanes * Stored::kBytes)}, to);
  }
}

HWY_INLINE JoinedRow row_of(const PixelSource& s, std::int64_t row) {
  return {s.x + row * s.channels, s.rest ? s.rest + row * s.rest_channels : nullptr, s.channels, s.rest_channels};
}

Numbers no_numbers() { return {hn::Zero(D()), hn::Zero(D())}; }

// Rows of x as a left side: channels of the pass, from in_begin on.
struct LeftInputs : LeftSide {
  const PixelSource& source;
  std::int64_t row, rows, in_begin;
};

// Where not all 16 rows of 32 channels are there, one after the other.
template <int kParts>
HWY_NOINLINE void take_edge_of_inputs(const LeftInputs& x, std::int64_t block, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row)
    store_parts<kParts>(
        row < x.rows ? numbers_of(row_of(x.source, x.row + row), x.in_begin + block * kSplitChannels) : no_numbers(),
        x.tiles + block * kParts * kTileFloats + row * kLanes);
}

template <int kParts>
void take_inputs(const LeftSide& side, std::int64_t block, std::int64_t begin, std::int64_t end) {
  const auto& x = static_cast<const LeftInputs&>(side);
  const std::int64_t at = x.in_begin + block * kSplitChannels, stride = x.source.channels;
  if (x.rows < kSplitRows || at + kSplitChannels > stride) return take_edge_of_inputs<kParts>(x, block, begin, end);
  const float* from = x.source.x + (x.row + begin) * stride + at;
  float *to = x.tiles + block * kParts * kTileFloats, *last = to + end * kLanes;
  for (to += begin * kLanes; to < last; to += kLanes, from += stride) {
    __builtin_prefetch(from + kRowFetchedAhead);
    __builtin_prefetch(from + kRowFetchedAhead + kLineFloats);
    store_parts<kParts>({load(from), load(from + kLanes)}, to);
  }
}

// One task's share of the call and of the scratch, and of the in-channels those of one pass.
struct Share {
  const ProductCall& call;
  std::int64_t row_begin, row_end, channel_begin, channel_end;
  float *left, *sums, *right;
  std::int64_t in_begin = 0, in_end = 0;

  std::int64_t channels() const { return in_end - in_begin; }
  std::int64_t blocks() const { return divide_up(channels(), kSplitChannels); }
  bool passes() const { return call.in_block < call.weight.in; }
  bool is_last() const { return in_end == call.weight.in; }
};

Share share_of(const ProductCall& call, std::int64_t task, float* scratch) {
  const std::int64_t rows = task / call.channel_blocks() * call.row_block,
                     channels = task % call.channel_blocks() * call.channel_block;
  const SplitScratch layout = split_scratch(call, kPanel);
  return {call,
          rows,
          std::min(rows + call.row_block, call.rows),
          channels,
          std::min(channels + call.channel_block, call.channels),
          scratch,
          scratch + layout.sums_at,
          scratch + layout.right_at};
}

// Takes apart all weights of the pass, then 16 or 32 rows after the other, while they are multiplied for the first
// time.
void multiply_many_rows(const Share& share) {
  const ProductCall& call = share.call;
  const SplitParts parts = split_parts(call);
  float* packed = share.right;
  for_each_panel(call, share.channel_begin, share.channel_end, [&](const Panel& panel) {
    for (std::int64_t v = 0; v < panel.vectors; ++v)
      for_stored_parts(call, [&]<class Stored, int kParts>() {
        pack_column_tile<Stored, kParts>(call.weight, columns_of(call, panel, v), share.in_begin, share.in_end,
                                         RightLayout::of_tiles(panel.vectors, kParts), packed + v * kTileFloats);
      });
    packed += panel.vectors * split_floats(share.channels(), parts.weights);
  });
  const TileRegisters registers;
  float* kept = share.sums;
  const LeftSide::Take take = call.rounded ? take_inputs<1> : take_inputs<kInputParts>;
  const std::int64_t at_once = strips_at_once(parts) * kSplitRows;
  for (std::int64_t row = share.row_begin; row < share.row_end; row += at_once) {
    const std::int64_t rows = std::min(at_once, share.row_end - row), upper = std::min(kSplitRows, rows);
    LeftInputs left{{share.left, take}, call.source, row, upper, share.in_begin},
        lower{{share.left + split_floats(share.channels(), parts.inputs), take},
              call.source,
              row + kSplitRows,
              rows - upper,
              share.in_begin};
    const float* right = share.right;
    for_each_panel(call, share.channel_begin, share.channel_end, [&](const Panel& panel) {
      const std::int64_t columns = panel.vectors * kLanes;
      multiply_inputs_left_for<>(parts, panel.vectors)({left,
                                                        right,
                                                        share.blocks(),
                                                        kept,
                                                        columns,
                                                        kLanes,
                                                        share.in_begin > 0,
                                                        {},
                                                        rows > kSplitRows ? &lower : nullptr});
      left.take = nullptr;
      if (share.is_last()) finish_tile(call, panel, kept, columns, row, rows);
      right += panel.vectors * split_floats(share.channels(), parts.weights);
      if (share.passes()) kept += round_up(rows, kSplitRows) * columns;
    });
  }
}

// Turns the sums of 16 output channels by 16 rows.
void turn_sums(const float* sums, float* to, std::int64_t stride) {
  V rows[kLanes];
  SAFELIGHT_UNROLL
  for (int i = 0; i < kLanes; ++i) rows[i] = load(sums + i * kLanes);
  transpose(rows);
  SAFELIGHT_UNROLL
  for (int i = 0; i < kLanes; ++i) store(rows[i], to + i * stride);
}

// Takes apart 16 output channels after the other, while they are multiplied with the first group of rows.
void multiply_few_rows(const Share& share) {
  const ProductCall& call = share.call;
  const StoredWeight& w = call.weight;
  const SplitParts parts = split_parts(call);
  const std::int64_t group_rows = group_tiles(call) * kSplitRows, rows = share.row_end - share.row_begin;
  const TileRegisters registers;
  float* kept = share.sums;
  for_each_panel(call, share.channel_begin, share.channel_end, [&](const Panel& panel) {
    const std::int64_t stride = panel.vectors * kLanes;
    for (std::int64_t v = 0; v < panel.vectors; ++v) {
      const PanelColumns columns = columns_of(call, panel, v);
      LeftWeights left = for_stored_parts(call, [&]<class Stored, int kParts>() {
        return LeftWeights{
            {share.left, take_weights<Stored, kParts>},
            reinterpret_cast<const std::uint8_t*>(w.data) + (columns.first * w.in + share.in_begin) * Stored::kBytes,
            w.in * Stored::kBytes,
            columns.count,
            share.channels()};
      });
      for (std::int64_t row = 0; row < rows; row += group_rows) {
        const std::int64_t tiles = divide_up(std::min(group_rows, rows - row), kSplitRows);
        const float* right = call.split_x + (share.row_begin + row) / kSplitRows * split_floats(w.in, parts.inputs) +
                             tiles * split_floats(share.in_begin, parts.inputs);
        multiply_weights_left_for(parts,
                                  tiles)({left, right, share.blocks(), kept, kLanes, kTileFloats, share.in_begin > 0});
        left.take = nullptr;
        if (share.is_last())
          for (std::int64_t t = 0; t < tiles; ++t)
            turn_sums(kept + t * kTileFloats, share.right + (row + t * kSplitRows) * stride + v * kLanes, stride);
        if (share.passes()) kept += tiles * kTileFloats;
      }
    }
    if (share.is_last()) finish_tile(call, panel, share.right, stride, share.row_begin, rows);
  });
}

// Rows of x as one tile of a right side.
template <int kParts>
void prepare(const ProductCall& call, std::int64_t task) {
  const std::int64_t pieces = divide_up(call.weight.in, kPrepareChannels), tile = task / pieces,
                     begin = task % pieces * kPrepareChannels, end = std::min(begin + kPrepareChannels, call.weight.in),
                     row = tile * kSplitRows, rows = std::min(kSplitRows, call.rows - row);
  const std::int64_t of_group = group_tiles(call), before = tile / of_group * of_group,
                     tiles = std::min(of_group, divide_up(call.rows, kSplitRows) - before);
  float* to = call.split_x + before * split_floats(call.weight.in, kParts) + tiles * split_floats(begin, kParts) +
              (tile - before) * kTileFloats;
  for (std::int64_t at = begin; at < end; at += kSplitChannels, to += kParts * tiles * kTileFloats) {
    V first[kLanes], second[kLanes];
    for (std::int64_t r = 0; r < kLanes; ++r) {
      const Numbers numbers = r < rows ? numbers_of(row_of(call.source, row + r), at) : no_numbers();
      first[r] = numbers.a(), second[r] = numbers.b();
    }
    transpose(first), transpose(second);
    SAFELIGHT_UNROLL
    for (int pair = 0; pair < kLanes / 2; ++pair) {
      store_pair<kParts>({first[2 * pair], first[2 * pair + 1]}, pair, to, tiles * kTileFloats);
      store_pair<kParts>({second[2 * pair], second[2 * pair + 1]}, kLanes / 2 + pair, to, tiles * kTileFloats);
    }
  }
}

}  // namespace

void split_prepare(const ProductCall& call, std::int64_t task) {
  call.rounded ? prepare<1>(call, task) : prepare<kInputParts>(call, task);
}

void split_multiply(const ProductCall& call, std::int64_t task, float* scratch) {
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

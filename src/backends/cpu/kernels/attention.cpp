// Attention in one pass over the keys with a running maximum (Dao et al. 2022): the scores of a block of queries exist
// for one block of keys at a time.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/attention.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/kernels/microkernel-inl.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

std::int64_t vectors_for(std::int64_t columns) {
  return std::min<std::int64_t>(kPanelVectors, divide_up(columns, kLanes));
}

// v of one head, keys [begin, end), into panels of channels: [panel][key][column], padded with zeros.
void pack_values(const AttentionCall& call, const float* v, std::int64_t begin, std::int64_t end, float* to) {
  for (std::int64_t first = 0; first < call.width; first += kPanel) {
    const std::int64_t columns = std::min<std::int64_t>(kPanel, call.width - first);
    const std::int64_t padded = vectors_for(columns) * kLanes;
    for (std::int64_t key = begin; key < end; ++key)
      for (std::int64_t c = 0; c < padded; c += kLanes)
        hn::Store(load_some(v + key * call.stride + first + c, columns - c), D(), to + key * padded + c);
    to += call.keys * padded;
  }
}

// A task's part of the call: one head of one image, queries [query_begin, query_end).
struct Block {
  const float *q, *packed_k, *packed_v;
  float* y;
  std::int64_t query_begin, query_end, padded_width;
  Tiling tiling;
};

Block block_of(const AttentionCall& call, std::int64_t task) {
  const std::int64_t blocks = attention_query_blocks(call), head = task / blocks;
  const std::int64_t begin = task % blocks * kQueryBlock, end = std::min(begin + kQueryBlock, call.queries);
  const std::int64_t at = head / call.heads * call.queries * call.stride + head % call.heads * call.width;
  const std::int64_t packed = head * attention_packed(call, kPanel);
  return {call.q + at, call.packed_k + packed,       call.packed_v + packed, call.y + at, begin,
          end,         round_up(call.width, kLanes), Tiling(end - begin)};
}

// The task's scratch, see attention.h.
struct Workspace {
  const float** rows;  // first of the queries, then of the weights
  float *queries, *scores, *sums, *maxima, *totals;
};

Workspace workspace_in(float* scratch, const AttentionCall& call) {
  const AttentionScratch layout = attention_scratch(call, kPanel);
  return {reinterpret_cast<const float**>(scratch),
          scratch + layout.queries_at,
          scratch + layout.scores_at,
          scratch + layout.sums_at,
          scratch + layout.maxima_at,
          scratch + layout.totals_at};
}

// Copies the queries, scaled, and clears the sums.
void start(const AttentionCall& call, const Block& block, const Workspace& space) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(call.width));
  for (std::int64_t i = 0; i < block.tiling.rows; ++i) {
    const float* q = block.q + (block.query_begin + i) * call.stride;
    float* to = space.queries + i * call.width;
    for (std::int64_t c = 0; c < call.width; ++c) to[c] = q[c] * scale;
    space.rows[i] = to;
    space.rows[kQueryBlock + i] = space.scores + i * kScoreStride;
  }
  std::fill_n(space.sums, block.tiling.rows * block.padded_width, 0.0f);
  std::fill_n(space.maxima, block.tiling.rows, -1e30f);
  std::fill_n(space.totals, block.tiling.rows, 0.0f);
}

// scores = q k^T for keys [begin, begin + count), and some after them: panels are packed for all keys.
void score(const AttentionCall& call, const Block& block, const Workspace& space, std::int64_t begin,
           std::int64_t count) {
  for (std::int64_t tile = 0; tile < block.tiling.tiles; ++tile) {
    const std::int64_t first = block.tiling.begin(tile), height = block.tiling.begin(tile + 1) - first;
    const TileRows rows{space.rows + first, 1, 0, call.width};
    for (std::int64_t k = 0; k < count; k += kPanel)
      multiply_tile_for<false>(height, vectors_for(call.keys - begin - k))(
          rows, block.packed_k + (begin + k) * call.width, space.scores + first * kScoreStride + k, kScoreStride, false,
          nullptr);
  }
}

// One row of scores becomes weights exp(score - maximum), of which keys from `visible` on get 0. When the maximum
// grows, what was summed before shrinks.
void soften(float* scores, std::int64_t visible, std::int64_t count, float& maximum, float& total, float* sums,
            std::int64_t padded_width) {
  if (visible > 0) {
    const std::int64_t padded = round_up(visible, kLanes);
    std::fill(scores + visible, scores + padded, -1e30f);
    V top = load(scores);
    for (std::int64_t k = kLanes; k < padded; k += kLanes) top = hn::Max(top, load(scores + k));
    const float row_maximum = hn::GetLane(hn::MaxOfLanes(D(), top));
    if (row_maximum > maximum) {
      const V shrink = exponential(splat(maximum - row_maximum));
      total *= hn::GetLane(shrink);
      for (std::int64_t c = 0; c < padded_width; c += kLanes) store(hn::Mul(load(sums + c), shrink), sums + c);
      maximum = row_maximum;
    }
    const V shift = splat(maximum);
    V sum = hn::Zero(D());
    for (std::int64_t k = 0; k < padded; k += kLanes) {
      const V weight = exponential(hn::Sub(load(scores + k), shift));
      sum = hn::Add(sum, weight);
      store(weight, scores + k);
    }
    total += hn::GetLane(hn::SumOfLanes(D(), sum));
  }
  std::fill(scores + visible, scores + count, 0.0f);
}

// sums += weights v for keys [begin, begin + count).
void add_values(const AttentionCall& call, const Block& block, const Workspace& space, std::int64_t begin,
                std::int64_t count) {
  for (std::int64_t tile = 0; tile < block.tiling.tiles; ++tile) {
    const std::int64_t first = block.tiling.begin(tile), height = block.tiling.begin(tile + 1) - first;
    const TileRows rows{space.rows + kQueryBlock + first, 1, 0, count};
    const float* panel = block.packed_v;
    for (std::int64_t c = 0; c < call.width; c += kPanel) {
      const std::int64_t vectors = vectors_for(call.width - c);
      multiply_tile_for<false>(height, vectors)(rows, panel + begin * vectors * kLanes,
                                                space.sums + first * block.padded_width + c, block.padded_width, true,
                                                nullptr);
      panel += call.keys * vectors * kLanes;
    }
  }
}

}  // namespace

void attention_pack(const AttentionCall& call, std::int64_t task) {
  const std::int64_t blocks = attention_key_blocks(call), head = task / blocks;
  const std::int64_t begin = task % blocks * kKeyBlock, end = std::min(begin + kKeyBlock, call.keys);
  const std::int64_t at = head / call.heads * call.keys * call.stride + head % call.heads * call.width;
  const std::int64_t packed = head * attention_packed(call, kPanel);
  const StoredWeight k{reinterpret_cast<const std::byte*>(call.k + at), DType::F32, call.keys, call.stride, 1};
  for (std::int64_t first = begin; first < end; first += kPanel) {
    const std::int64_t stride = vectors_for(end - first) * kLanes;
    for (std::int64_t c = 0; c < stride && first + c < end; c += kLanes)
      pack_columns<F32Weights>(k, {first + c, std::min<std::int64_t>(kLanes, end - first - c)}, 0, call.width,
                               call.packed_k + packed + first * call.width + c, stride);
  }
  pack_values(call, call.v + at, begin, end, call.packed_v + packed);
}

void attention(const AttentionCall& call, std::int64_t task, float* scratch) {
  const Block block = block_of(call, task);
  const Workspace space = workspace_in(scratch, call);
  start(call, block, space);
  const std::int64_t keys = call.causal ? std::min(call.keys, block.query_end) : call.keys;
  for (std::int64_t begin = 0; begin < keys; begin += kKeyBlock) {
    const std::int64_t count = std::min(kKeyBlock, keys - begin);
    score(call, block, space, begin, count);
    for (std::int64_t i = 0; i < block.tiling.rows; ++i) {
      const std::int64_t visible =
          call.causal ? std::clamp<std::int64_t>(block.query_begin + i + 1 - begin, 0, count) : count;
      soften(space.scores + i * kScoreStride, visible, count, space.maxima[i], space.totals[i],
             space.sums + i * block.padded_width, block.padded_width);
    }
    add_values(call, block, space, begin, count);
  }
  for (std::int64_t i = 0; i < block.tiling.rows; ++i) {
    const V scale = splat(1.0f / space.totals[i]);
    float* y = block.y + (block.query_begin + i) * call.stride;
    for (std::int64_t c = 0; c < call.width; c += kLanes)
      store_some(hn::Mul(load(space.sums + i * block.padded_width + c), scale), y + c, call.width - c);
  }
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

// Attention in one pass over the keys with a running maximum (Dao et al. 2022): the scores of a block of queries exist
// for one block of keys at a time.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/attention.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/kernels/microkernel-inl.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

// Of the panel that begins `columns` columns before the end.
std::int64_t vectors_for(std::int64_t columns) {
  return std::min<std::int64_t>(kPanelVectors, divide_up(columns, kLanes));
}

// The panels of values: channels cut into vectors, and these shared out evenly, because a panel of a single vector has
// too few sums to hide the latency of its multiply-adds.
struct ValuePanels {
  std::int64_t vectors, count;
  explicit ValuePanels(std::int64_t width)
      : vectors(divide_up(width, kLanes)), count(divide_up(vectors, kPanelVectors)) {}
  std::int64_t begin(std::int64_t panel) const { return vectors * panel / count * kLanes; }
  std::int64_t columns(std::int64_t panel) const { return begin(panel + 1) - begin(panel); }
};

// v of one head, keys [begin, end), into panels of channels: [panel][key][column], padded with zeros.
void pack_values(const AttentionCall& call, const float* v, std::int64_t begin, std::int64_t end, float* to) {
  const ValuePanels panels(call.width);
  for (std::int64_t panel = 0; panel < panels.count; ++panel) {
    const std::int64_t first = panels.begin(panel), columns = panels.columns(panel);
    for (std::int64_t key = begin; key < end; ++key)
      for (std::int64_t c = 0; c < columns; c += kLanes)
        hn::Store(load_some(v + key * call.stride + first + c, call.width - first - c), D(), to + key * columns + c);
    to += call.keys * columns;
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

// Copies the queries, scaled, and clears the sums. Scores are binary logarithms: powers of two are cheaper than of e.
void start(const AttentionCall& call, const Block& block, const Workspace& space) {
  const float scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(call.width));
  for (std::int64_t i = 0; i < block.tiling.rows; ++i) {
    const float* q = block.q + (block.query_begin + i) * call.stride;
    float* to = space.queries + i * call.width;
    for (std::int64_t c = 0; c < call.width; ++c) to[c] = q[c] * scale;
    space.rows[i] = to;
    space.rows[kQueryBlock + i] = space.scores + i * kScoreStride;
  }
  std::fill_n(space.sums, block.tiling.rows * block.padded_width, 0.0f);
  std::fill_n(space.maxima, block.tiling.rows, -1e30f);
  std::fill_n(space.totals, block.tiling.rows * kLanes, 0.0f);
}

// The keys and values of the block that starts at key `begin`.
Ahead reads_of(const AttentionCall& call, const Block& block, std::int64_t begin) {
  const std::int64_t count = std::min(kKeyBlock, call.keys - begin);
  Ahead ahead;
  ahead.add(block.packed_k + begin * call.width, count * call.width);
  const ValuePanels panels(call.width);
  for (std::int64_t panel = 0; panel < panels.count; ++panel)
    ahead.add(block.packed_v + call.keys * panels.begin(panel) + begin * panels.columns(panel),
              count * panels.columns(panel));
  return ahead;
}

// scores = q k^T for keys [begin, begin + count), and some after them: panels are packed for all keys. A panel stays in
// the first-level cache while all queries pass it; meanwhile the next block is fetched into the second.
void score(const AttentionCall& call, const Block& block, const Workspace& space, std::int64_t begin,
           std::int64_t count) {
  Ahead ahead = reads_of(call, block, begin + count < call.keys ? begin + count : 0);
  for (std::int64_t k = 0; k < count; k += kPanel) {
    const std::int64_t vectors = vectors_for(call.keys - begin - k);
    for (std::int64_t tile = 0; tile < block.tiling.tiles; ++tile) {
      const std::int64_t first = block.tiling.begin(tile), height = block.tiling.begin(tile + 1) - first;
      const TileRows rows{space.rows + first, 1, 0, call.width};
      multiply_tile_for<true>(height, vectors)(rows, block.packed_k + (begin + k) * call.width,
                                               space.scores + first * kScoreStride + k, kScoreStride, false,
                                               ahead.take(call.width));
    }
  }
}

// How many keys of the block [begin, begin + count) query `row` of the task sees.
std::int64_t visible_keys(const AttentionCall& call, const Block& block, std::int64_t row, std::int64_t begin,
                          std::int64_t count) {
  return call.causal ? std::clamp<std::int64_t>(block.query_begin + row + 1 - begin, 0, count) : count;
}

// The row's maximum with the first `visible` of its scores, at least one. When it grows, what was summed before
// shrinks.
void raise_maximum(const Block& block, const Workspace& space, std::int64_t row, std::int64_t visible) {
  float *scores = space.scores + row * kScoreStride, *totals = space.totals + row * kLanes;
  float& maximum = space.maxima[row];
  const std::int64_t padded = round_up(visible, kLanes);
  std::fill(scores + visible, scores + padded, -1e30f);
  V top = load(scores), other_top = top;  // two, which need not wait for each other
  std::int64_t k = kLanes;
  for (; k + kLanes < padded; k += 2 * kLanes) {
    top = hn::Max(top, load(scores + k));
    other_top = hn::Max(other_top, load(scores + k + kLanes));
  }
  if (k < padded) top = hn::Max(top, load(scores + k));
  const float row_maximum = hn::GetLane(hn::MaxOfLanes(D(), hn::Max(top, other_top)));
  if (row_maximum <= maximum) return;
  const V shrink = power_of_two(splat(maximum - row_maximum));
  store(hn::Mul(load(totals), shrink), totals);
  float* sums = space.sums + row * block.padded_width;
  for (std::int64_t c = 0; c < block.padded_width; c += kLanes) store(hn::Mul(load(sums + c), shrink), sums + c);
  maximum = row_maximum;
}

// Scores become weights 2^(score - maximum), and are added to the row's totals: one vector, added up in the end.
void weigh(const Workspace& space, std::int64_t row, std::int64_t visible) {
  float *scores = space.scores + row * kScoreStride, *totals = space.totals + row * kLanes;
  const V shift = splat(space.maxima[row]);
  V sum = load(totals);
  for (std::int64_t k = 0; k < visible; k += kLanes) {
    const V weight = power_of_two(hn::Sub(load(scores + k), shift));
    sum = hn::Add(sum, weight);
    store(weight, scores + k);
  }
  store(sum, totals);
}

// Every score of the block becomes a weight; keys that are not to be seen get 0. Some rows at a time find their maxima
// before the first of them needs its own: it has arrived by then.
void soften(const AttentionCall& call, const Block& block, const Workspace& space, std::int64_t begin,
            std::int64_t count) {
  constexpr std::int64_t kRows = 8;
  for (std::int64_t first = 0; first < block.tiling.rows; first += kRows) {
    const std::int64_t end = std::min(first + kRows, block.tiling.rows);
    for (std::int64_t row = first; row < end; ++row)
      if (const std::int64_t visible = visible_keys(call, block, row, begin, count); visible > 0)
        raise_maximum(block, space, row, visible);
    for (std::int64_t row = first; row < end; ++row) {
      const std::int64_t visible = visible_keys(call, block, row, begin, count);
      weigh(space, row, visible);
      std::fill(space.scores + row * kScoreStride + visible, space.scores + row * kScoreStride + count, 0.0f);
    }
  }
}

// sums += weights v for keys [begin, begin + count).
void add_values(const AttentionCall& call, const Block& block, const Workspace& space, std::int64_t begin,
                std::int64_t count) {
  const ValuePanels panels(call.width);
  for (std::int64_t panel = 0; panel < panels.count; ++panel) {
    const std::int64_t columns = panels.columns(panel);
    const float* packed = block.packed_v + call.keys * panels.begin(panel) + begin * columns;
    for (std::int64_t tile = 0; tile < block.tiling.tiles; ++tile) {
      const std::int64_t first = block.tiling.begin(tile), height = block.tiling.begin(tile + 1) - first;
      const TileRows rows{space.rows + kQueryBlock + first, 1, 0, count};
      multiply_tile_for<false>(height, columns / kLanes)(rows, packed,
                                                         space.sums + first * block.padded_width + panels.begin(panel),
                                                         block.padded_width, true, nullptr);
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
    soften(call, block, space, begin, count);
    add_values(call, block, space, begin, count);
  }
  for (std::int64_t i = 0; i < block.tiling.rows; ++i) {
    const V scale = splat(1.0f / hn::GetLane(hn::SumOfLanes(D(), load(space.totals + i * kLanes))));
    float* y = block.y + (block.query_begin + i) * call.stride;
    for (std::int64_t c = 0; c < call.width; c += kLanes)
      store_some(hn::Mul(load(space.sums + i * block.padded_width + c), scale), y + c, call.width - c);
  }
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

// Attention in one pass over the keys with a running maximum (Dao et al. 2022): the scores of a panel of queries exist
// for one block of keys at a time. Queries lie across the lanes, so their maxima, weights and totals need no step from
// lane to lane, and both products are those of the microkernel: scores = k q^T, sums = v^T weights.
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

constexpr std::int64_t kBlock = attention_key_block(kPanel);  // of keys
constexpr int kTogether = 4;                                  // keys whose weights are computed step by step
constexpr float kUnseen = -1e30f;                             // the score of a key that a query must not see

// One head of one image: its part of what the call points to.
struct Head {
  const float *q, *k, *v;
  float *packed_k, *turned_v, *y;
};

Head head_of(const AttentionCall& call, std::int64_t head) {
  const std::int64_t image = head / call.heads, channel = head % call.heads * call.width;
  const std::int64_t queries = image * call.queries * call.stride + channel,
                     keys = image * call.keys * call.stride + channel;
  const std::int64_t packed = head * attention_packed(call, kPanel);
  return {call.q + queries,       call.k + keys,          call.v + keys,
          call.packed_k + packed, call.turned_v + packed, call.y + queries};
}

// Queries [begin, begin + count) in columns, a vector of them or more, the last ones zero.
struct Panel {
  std::int64_t begin, count, vectors;
  std::int64_t columns() const { return vectors * kLanes; }
};

// The task's scratch, see attention.h.
struct Workspace {
  const float** rows;
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

// to[i * stride + row] = from[row * row_stride + i] for i < length; rows are padded with zeros to a whole vector.
void turn(const float* from, std::int64_t row_stride, std::int64_t rows, std::int64_t length, float* to,
          std::int64_t stride) {
  const StoredWeight matrix{reinterpret_cast<const std::byte*>(from), DType::F32, rows, row_stride, 1};
  for (std::int64_t row = 0; row < rows; row += kLanes)
    pack_columns<F32Weights>(matrix, {row, std::min<std::int64_t>(kLanes, rows - row)}, 0, length, to + row, stride);
}

// `count` rows of `length`, which begin `stride` apart.
struct Rows {
  const float* first;
  std::int64_t stride, count, length;
};

// c[row] (+)= the sum over i < length of row[i] * columns[i]; meanwhile what `ahead` names is fetched.
void multiply_rows(const Workspace& space, const Panel& panel, const Rows& rows, const float* columns, float* c,
                   bool accumulate, Ahead ahead) {
  for (std::int64_t row = 0; row < rows.count; ++row) space.rows[row] = rows.first + row * rows.stride;
  const Tiling tiling(rows.count);
  for (std::int64_t tile = 0; tile < tiling.tiles; ++tile) {
    const std::int64_t begin = tiling.begin(tile), height = tiling.begin(tile + 1) - begin;
    multiply_tile_for<true, false>(height, panel.vectors)({space.rows + begin, 1, 0, rows.length}, columns,
                                                          c + begin * panel.columns(), panel.columns(), accumulate,
                                                          ahead.take(rows.length));
  }
}

// Hides keys after a query from it; key `begin` is the block's first.
void hide_later_keys(const Panel& panel, const Workspace& space, std::int64_t begin, std::int64_t count) {
  for (std::int64_t key = 0; key < count; ++key)
    std::fill_n(space.scores + key * panel.columns(),
                std::clamp<std::int64_t>(begin + key - panel.begin, 0, panel.columns()), kUnseen);
}

// The largest of a column's vectors, one per key, and of `top`.
V largest(const float* scores, std::int64_t stride, std::int64_t count, V top) {
  V tops[4] = {top, top, top, top};  // which need not wait for each other
  std::int64_t key = 0;
  for (; key + 4 <= count; key += 4)
    for (int i = 0; i < 4; ++i) tops[i] = hn::Max(tops[i], load(scores + (key + i) * stride));
  for (; key < count; ++key) tops[0] = hn::Max(tops[0], load(scores + key * stride));
  return hn::Max(hn::Max(tops[0], tops[1]), hn::Max(tops[2], tops[3]));
}

// Scores of N keys become weights 2^(score * scale - shift). Returns their sum.
template <int N>
V weigh(float* scores, std::int64_t stride, float scale, V shift) {
  V weights[N];
  SAFELIGHT_UNROLL
  for (int i = 0; i < N; ++i) weights[i] = hn::MulSub(load(scores + i * stride), splat(scale), shift);
  powers_of_two(weights);
  V sum = hn::Zero(D());
  SAFELIGHT_UNROLL
  for (int i = 0; i < N; ++i) {
    store(weights[i], scores + i * stride);
    sum = hn::Add(sum, weights[i]);
  }
  return sum;
}

// Scores become weights 2^(score * scale - maximum), and are added to the totals. Where the maximum grows, what was
// summed before shrinks.
void soften(const AttentionCall& call, const Panel& panel, const Workspace& space, float scale, std::int64_t count) {
  for (std::int64_t column = 0; column < panel.columns(); column += kLanes) {
    float* scores = space.scores + column;
    const V before = load(space.maxima + column), top = largest(scores, panel.columns(), count, before);
    V total = load(space.totals + column), block = hn::Zero(D());
    const V shift = hn::Mul(top, splat(scale));
    if (!hn::AllTrue(D(), hn::Eq(top, before))) {
      const V shrink = power_of_two(hn::Sub(hn::Mul(before, splat(scale)), shift));
      total = hn::Mul(total, shrink);
      for (std::int64_t c = 0; c < call.width; ++c) {
        float* sum = space.sums + c * panel.columns() + column;
        store(hn::Mul(load(sum), shrink), sum);
      }
      store(top, space.maxima + column);
    }
    std::int64_t key = 0;
    for (; key + kTogether <= count; key += kTogether)
      block = hn::Add(block, weigh<kTogether>(scores + key * panel.columns(), panel.columns(), scale, shift));
    for (; key < count; ++key)
      block = hn::Add(block, weigh<1>(scores + key * panel.columns(), panel.columns(), scale, shift));
    store(hn::Add(total, block), space.totals + column);
  }
}

// y = sums / totals, turned back by vectors of channels; the scores' room is free for it.
void finish(const AttentionCall& call, const Head& head, const Panel& panel, const Workspace& space) {
  for (std::int64_t column = 0; column < panel.columns(); column += kLanes) {
    const V scale = hn::Div(splat(1.0f), load(space.totals + column));
    for (std::int64_t c = 0; c < call.width; ++c) {
      float* sum = space.sums + c * panel.columns() + column;
      store(hn::Mul(load(sum), scale), sum);
    }
  }
  for (std::int64_t c = 0; c < call.width; c += kLanes) {
    const std::int64_t count = std::min<std::int64_t>(kLanes, call.width - c);
    turn(space.sums + c * panel.columns(), panel.columns(), count, panel.count, space.scores, kLanes);
    for (std::int64_t i = 0; i < panel.count; ++i)
      store_some(load(space.scores + i * kLanes), head.y + (panel.begin + i) * call.stride + c, count);
  }
}

// The block that begins at key `begin`, of packed keys or of turned values.
Ahead block_at(const AttentionCall& call, const float* packed, std::int64_t begin) {
  Ahead ahead;
  ahead.add(packed + begin * call.width, std::min(kBlock, call.keys - begin) * call.width);
  return ahead;
}

void attend(const AttentionCall& call, const Head& head, const Panel& panel, const Workspace& space) {
  // Scores are binary logarithms: powers of two are cheaper than of e.
  const float scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(call.width));
  turn(head.q + panel.begin * call.stride, call.stride, panel.count, call.width, space.queries, panel.columns());
  std::fill_n(space.sums, call.width * panel.columns(), 0.0f);
  std::fill_n(space.maxima, panel.columns(), kUnseen);
  std::fill_n(space.totals, panel.columns(), 0.0f);
  const std::int64_t keys = call.causal ? std::min(call.keys, panel.begin + panel.count) : call.keys;
  for (std::int64_t begin = 0; begin < keys; begin += kBlock) {
    const std::int64_t count = std::min(kBlock, keys - begin), next = begin + kBlock < keys ? begin + kBlock : 0;
    multiply_rows(space, panel, {head.packed_k + begin * call.width, call.width, count, call.width}, space.queries,
                  space.scores, false, block_at(call, head.packed_k, next));
    if (call.causal) hide_later_keys(panel, space, begin, count);
    soften(call, panel, space, scale, count);
    const std::int64_t stride = round_up(std::min(kBlock, call.keys - begin), kLanes);
    multiply_rows(space, panel, {head.turned_v + begin * call.width, stride, call.width, count}, space.scores,
                  space.sums, true, block_at(call, head.turned_v, next));
  }
  finish(call, head, panel, space);
}

}  // namespace

void attention_pack(const AttentionCall& call, std::int64_t task) {
  const std::int64_t blocks = attention_key_blocks(call, kPanel), begin = task % blocks * kBlock;
  const Head head = head_of(call, task / blocks);
  const std::int64_t count = std::min(kBlock, call.keys - begin);
  for (std::int64_t key = begin; key < begin + count; ++key)
    std::copy_n(head.k + key * call.stride, call.width, head.packed_k + key * call.width);
  turn(head.v + begin * call.stride, call.stride, count, call.width, head.turned_v + begin * call.width,
       round_up(count, kLanes));
}

void attention(const AttentionCall& call, std::int64_t task, float* scratch) {
  const std::int64_t blocks = attention_query_blocks(call), begin = task % blocks * kQueryBlock;
  const Head head = head_of(call, task / blocks);
  const Workspace space = workspace_in(scratch, call);
  // Panels of nearly equal width: one of a single vector has too few sums to hide the latency of its multiply-adds.
  const std::int64_t end = std::min(begin + kQueryBlock, call.queries), vectors = divide_up(end - begin, kLanes),
                     panels = divide_up(vectors, kPanelVectors);
  for (std::int64_t i = 0; i < panels; ++i) {
    const std::int64_t first = vectors * i / panels, last = vectors * (i + 1) / panels, at = begin + first * kLanes;
    attend(call, head, {at, std::min(end - at, (last - first) * kLanes), last - first}, space);
  }
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

// What attention does whatever its products are made of: the softmax of a panel's scores, and its end.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_ATTENTION_INL_H_
#undef SAFELIGHT_CPU_ATTENTION_INL_H_
#else
#define SAFELIGHT_CPU_ATTENTION_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <numbers>

#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/kernels/bf16-inl.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

constexpr std::int64_t kKeyBlock = attention_key_block(kPanel);  // of keys
constexpr int kTogether = 4;                                     // keys whose weights are computed step by step
constexpr float kUnseen = -1e30f;                                // the score of a key that a query must not see

// One head of one image: its part of what the call points to.
struct Head {
  const float *q, *k, *v;
  float *packed_k, *turned_v, *y;
};

inline Head head_of(const AttentionCall& call, std::int64_t head) {
  const std::int64_t image = head / call.heads, channel = head % call.heads * call.width;
  const std::int64_t queries = image * call.queries * call.stride + channel,
                     keys = image * call.keys * call.stride + channel;
  const std::int64_t packed = head * attention_packed(call, kPanel);
  return {call.q + queries,       call.k + keys,          call.v + keys,
          call.packed_k + packed, call.turned_v + packed, call.y + queries};
}

// Scores are binary logarithms: powers of two are cheaper than of e.
inline float score_scale(const AttentionCall& call) {
  return std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(call.width));
}

// Queries [begin, begin + count) in columns, a vector of them or more, the last ones zero.
struct QueryPanel {
  std::int64_t begin, count, vectors;
  std::int64_t columns() const { return vectors * kLanes; }
};

// The task's scratch and one panel's, see attention.h.
struct Workspace {
  const float** rows;
  float *queries, *scores, *sums, *maxima, *totals;
  float *split_queries, *split_weights;
};

inline Workspace workspace_in(float* scratch, const AttentionCall& call, std::int64_t panel = 0) {
  const AttentionScratch layout = attention_scratch(call, kPanel);
  float* of_panel = scratch + layout.panels_at + panel * layout.panel_total;
  return {reinterpret_cast<const float**>(scratch),
          of_panel,
          scratch + layout.scores_at,
          of_panel + layout.sums_at,
          of_panel + layout.maxima_at,
          of_panel + layout.totals_at,
          of_panel + layout.split_queries_at,
          scratch + layout.split_weights_at};
}

// to[i * stride + row] = from[row * row_stride + i] for i < length; rows are padded with zeros to a whole vector.
inline void turn(const float* from, std::int64_t row_stride, std::int64_t rows, std::int64_t length, float* to,
                 std::int64_t stride) {
  const StoredWeight matrix{reinterpret_cast<const std::byte*>(from), DType::F32, rows, row_stride, 1};
  for (std::int64_t row = 0; row < rows; row += kLanes)
    pack_columns<F32Weights>(matrix, {row, std::min<std::int64_t>(kLanes, rows - row)}, 0, length, to + row, stride);
}

// The panel's queries turned, nothing seen, and no sums.
inline void begin_panel(const AttentionCall& call, const Head& head, const QueryPanel& panel, const Workspace& space) {
  turn(head.q + panel.begin * call.stride, call.stride, panel.count, call.width, space.queries, panel.columns());
  std::fill_n(space.sums, call.width * panel.columns(), 0.0f);
  std::fill_n(space.maxima, panel.columns(), kUnseen);
  std::fill_n(space.totals, panel.columns(), 0.0f);
}

// Hides keys after a query from it; key `begin` is the block's first.
inline void hide_later_keys(const QueryPanel& panel, const Workspace& space, std::int64_t begin, std::int64_t count) {
  for (std::int64_t key = 0; key < count; ++key)
    std::fill_n(space.scores + key * panel.columns(),
                std::clamp<std::int64_t>(begin + key - panel.begin, 0, panel.columns()), kUnseen);
}

// The largest of a column's vectors, one per key, and of `top`.
inline V largest(const float* scores, std::int64_t stride, std::int64_t count, V top) {
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

// The maximum of a column's scores so far, scaled. Where a block makes it grow, what was summed before shrinks.
inline V raise_maximum(const AttentionCall& call, const QueryPanel& panel, const Workspace& space, float scale,
                       std::int64_t count, std::int64_t column) {
  const V before = load(space.maxima + column), top = largest(space.scores + column, panel.columns(), count, before),
          shift = hn::Mul(top, splat(scale));
  if (hn::AllTrue(D(), hn::Eq(top, before))) return shift;
  const V shrink = power_of_two(hn::Sub(hn::Mul(before, splat(scale)), shift));
  store(hn::Mul(load(space.totals + column), shrink), space.totals + column);
  for (std::int64_t c = 0; c < call.width; ++c) {
    float* sum = space.sums + c * panel.columns() + column;
    store(hn::Mul(load(sum), shrink), sum);
  }
  store(top, space.maxima + column);
  return shift;
}

// Scores become weights 2^(score * scale - maximum), and are added to the totals.
inline void soften(const AttentionCall& call, const QueryPanel& panel, const Workspace& space, float scale,
                   std::int64_t count) {
  for (std::int64_t column = 0; column < panel.columns(); column += kLanes) {
    float* scores = space.scores + column;
    const V shift = raise_maximum(call, panel, space, scale, count, column);
    V block = hn::Zero(D());
    std::int64_t key = 0;
    for (; key + kTogether <= count; key += kTogether)
      block = hn::Add(block, weigh<kTogether>(scores + key * panel.columns(), panel.columns(), scale, shift));
    for (; key < count; ++key)
      block = hn::Add(block, weigh<1>(scores + key * panel.columns(), panel.columns(), scale, shift));
    store(hn::Add(load(space.totals + column), block), space.totals + column);
  }
}

#if HWY_TARGET == HWY_AVX3
// Rows of floats become rows of pairs, rounded to bf16, in place; beside an odd one zeros.
inline void pair_rows(float* rows, std::int64_t count, std::int64_t columns) {
  for (std::int64_t row = 0; row < count; row += 2)
    for (std::int64_t c = 0; c < columns; c += kLanes) {
      const float* upper = rows + row * columns + c;
      const V lower = row + 1 < count ? load(upper + columns) : hn::Zero(D());
      hn::Store(Numbers(load(upper), lower).rounded_pairs(), D(), rows + row / 2 * columns + c);
    }
}

// As soften(), but the weights of two keys become pairs of bf16, 16 at pair_at(first key, column). Weights of keys that
// are not there, up to a multiple of `whole`, are zero. The pairs may lie where the scores of these keys or of keys
// before them did. REQUIRES: kKeyBlock is a multiple of `whole`, `whole` of kTogether.
template <class PairAt>
HWY_INLINE void soften_to_pairs(const AttentionCall& call, const QueryPanel& panel, const Workspace& space,
                                std::int64_t count, std::int64_t whole, PairAt&& pair_at) {
  const float scale = score_scale(call);
  const std::int64_t columns = panel.columns(), end = round_up(count, whole);
  std::fill(space.scores + count * columns, space.scores + end * columns, kUnseen);
  for (std::int64_t column = 0; column < columns; column += kLanes) {
    const V shift = raise_maximum(call, panel, space, scale, count, column);
    V block = hn::Zero(D());
    for (std::int64_t key = 0; key < end; key += kTogether) {
      const float* scores = space.scores + key * columns + column;
      V weights[kTogether];
      SAFELIGHT_UNROLL
      for (int k = 0; k < kTogether; ++k) weights[k] = hn::MulSub(load(scores + k * columns), splat(scale), shift);
      powers_of_two(weights, kPowerOfTwoForBf16);
      SAFELIGHT_UNROLL
      for (int k = 0; k < kTogether; k += 2) {
        block = hn::Add(block, hn::Add(weights[k], weights[k + 1]));
        hn::Store(Numbers(weights[k], weights[k + 1]).rounded_pairs(), D(), pair_at(key + k, column));
      }
    }
    store(hn::Add(load(space.totals + column), block), space.totals + column);
  }
}
#endif

// y = sums / totals, turned back by vectors of channels; the scores' room is free for it.
inline void finish(const AttentionCall& call, const Head& head, const QueryPanel& panel, const Workspace& space) {
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

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

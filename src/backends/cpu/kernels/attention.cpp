// Attention in one pass over the keys with a running maximum (Dao et al. 2022): the scores of a panel of queries exist
// for one block of keys at a time. Queries lie across the lanes, so their maxima, weights and totals need no step from
// lane to lane, and both products are those of the microkernel: scores = k q^T, sums = v^T weights.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/attention.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>

#include "backends/cpu/kernels/attention-inl.h"
#include "backends/cpu/kernels/microkernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

// So many channels or keys, counted in what the microkernel multiplies.
template <class Number>
constexpr std::int64_t counted_in(std::int64_t count) {
  return divide_up(count, std::int64_t{Number::kGroup});
}

// `count` rows of `length`, which begin `stride` apart.
struct Rows {
  const float* first;
  std::int64_t stride, count, length;
};

// c[row] (+)= the sum over i < length of row[i] * columns[i]; meanwhile what `ahead` names is fetched.
template <class Number>
void multiply_rows(const Workspace& space, const QueryPanel& panel, const Rows& rows, const float* columns, float* c,
                   bool accumulate, Ahead ahead) {
  for (std::int64_t row = 0; row < rows.count; ++row) space.rows[row] = rows.first + row * rows.stride;
  const Tiling tiling(rows.count);
  for (std::int64_t tile = 0; tile < tiling.tiles; ++tile) {
    const std::int64_t begin = tiling.begin(tile), height = tiling.begin(tile + 1) - begin;
    multiply_tile_for<Number, true, false>(height, panel.vectors)({space.rows + begin, 1, 0, rows.length}, columns,
                                                                  c + begin * panel.columns(), panel.columns(),
                                                                  accumulate, ahead.take(rows.length));
  }
}

// A block of keys, packed, and of values, turned; see attention.h.
template <class Number>
struct KeyBlock {
  const AttentionCall& call;
  const Head& head;
  std::int64_t begin, count = std::min(kKeyBlock, call.keys - begin);

  std::int64_t key_stride() const { return counted_in<Number>(call.width); }
  std::int64_t value_stride() const { return round_up(counted_in<Number>(count), kLanes); }
  float* keys() const { return head.packed_k + begin * key_stride(); }
  float* values() const { return head.turned_v + begin / Number::kGroup * call.width; }

  Ahead keys_ahead() const { return ahead(keys(), count * key_stride()); }
  Ahead values_ahead() const { return ahead(values(), call.width * value_stride()); }

 private:
  static Ahead ahead(const float* from, std::int64_t floats) {
    Ahead ahead;
    ahead.add(from, floats);
    return ahead;
  }
};

// The panel's turned queries as columns of products, in place.
void make_columns(Floats, const AttentionCall&, const QueryPanel&, const Workspace&) {}

// Its scores of `count` keys as columns of weights, in place.
void soften(Floats, const AttentionCall& call, const QueryPanel& panel, const Workspace& space, std::int64_t count) {
  soften(call, panel, space, score_scale(call), count);
}

#if HWY_TARGET == HWY_AVX3
void make_columns(Bf16Pairs, const AttentionCall& call, const QueryPanel& panel, const Workspace& space) {
  pair_rows(space.queries, call.width, panel.columns());
}

void soften(Bf16Pairs, const AttentionCall& call, const QueryPanel& panel, const Workspace& space, std::int64_t count) {
  soften_to_pairs(call, panel, space, count, kTogether, [&](std::int64_t key, std::int64_t column) {
    return space.scores + key / 2 * panel.columns() + column;
  });
}
#endif

template <class Number>
void attend(const AttentionCall& call, const Head& head, const QueryPanel& panel, const Workspace& space) {
  begin_panel(call, head, panel, space);
  make_columns(Number(), call, panel, space);
  const std::int64_t keys = call.causal ? std::min(call.keys, panel.begin + panel.count) : call.keys;
  for (std::int64_t begin = 0; begin < keys; begin += kKeyBlock) {
    const KeyBlock<Number> block{call, head, begin}, next{call, head, begin + kKeyBlock < keys ? begin + kKeyBlock : 0};
    const std::int64_t count = std::min(kKeyBlock, keys - begin);
    multiply_rows<Number>(space, panel, {block.keys(), block.key_stride(), count, block.key_stride()}, space.queries,
                          space.scores, false, next.keys_ahead());
    if (call.causal) hide_later_keys(panel, space, begin, count);
    soften(Number(), call, panel, space, count);
    multiply_rows<Number>(space, panel, {block.values(), block.value_stride(), call.width, counted_in<Number>(count)},
                          space.scores, space.sums, true, next.values_ahead());
  }
  finish(call, head, panel, space);
}

template <class Number>
void attend_task(const AttentionCall& call, std::int64_t task, float* scratch) {
  const std::int64_t blocks = attention_query_blocks(call), begin = task % blocks * kQueryBlock;
  const Head head = head_of(call, task / blocks);
  const Workspace space = workspace_in(scratch, call);
  // Panels of nearly equal width: one of a single vector has too few sums to hide the latency of its multiply-adds.
  const std::int64_t end = std::min(begin + kQueryBlock, call.queries), vectors = divide_up(end - begin, kLanes),
                     panels = divide_up(vectors, kPanelVectors);
  for (std::int64_t i = 0; i < panels; ++i) {
    const std::int64_t first = vectors * i / panels, last = vectors * (i + 1) / panels, at = begin + first * kLanes;
    attend<Number>(call, head, {at, std::min(end - at, (last - first) * kLanes), last - first}, space);
  }
}

}  // namespace

void attention_pack(const AttentionCall& call, std::int64_t task) {
  const std::int64_t blocks = attention_key_blocks(call, kPanel);
  const Head head = head_of(call, task / blocks);
  const KeyBlock<Floats> block{call, head, task % blocks * kKeyBlock};
  for (std::int64_t key = 0; key < block.count; ++key)
    std::copy_n(head.k + (block.begin + key) * call.stride, call.width, block.keys() + key * block.key_stride());
  turn(head.v + block.begin * call.stride, call.stride, block.count, call.width, block.values(), block.value_stride());
}

void attention(const AttentionCall& call, std::int64_t task, float* scratch) {
  attend_task<Floats>(call, task, scratch);
}

#if HWY_TARGET == HWY_AVX3
void attention_pack_pairs(const AttentionCall& call, std::int64_t task) {
  const std::int64_t blocks = attention_key_blocks(call, kPanel);
  const Head head = head_of(call, task / blocks);
  const KeyBlock<Bf16Pairs> block{call, head, task % blocks * kKeyBlock};
  for (std::int64_t key = 0; key < block.count; ++key)
    for (std::int64_t at = 0; at < call.width; at += 2 * kLanes)
      store_some(numbers_at(head.k + (block.begin + key) * call.stride + at, call.width - at).rounded(),
                 block.keys() + key * block.key_stride() + at / 2, block.key_stride() - at / 2);
  alignas(64) float turned[kLanes * kKeyBlock];
  for (std::int64_t channel = 0; channel < call.width; channel += kLanes) {
    const std::int64_t channels = std::min<std::int64_t>(kLanes, call.width - channel);
    turn(head.v + block.begin * call.stride + channel, call.stride, block.count, channels, turned, kKeyBlock);
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t key = 0; key < block.count; key += 2 * kLanes)
        hn::Store(numbers_at(turned + c * kKeyBlock + key, block.count - key).rounded(), D(),
                  block.values() + (channel + c) * block.value_stride() + key / 2);
  }
}

void attention_of_pairs(const AttentionCall& call, std::int64_t task, float* scratch) {
  attend_task<Bf16Pairs>(call, task, scratch);
}
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

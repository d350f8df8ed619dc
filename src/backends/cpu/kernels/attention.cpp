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

// `count` rows of `length`, which begin `stride` apart.
struct Rows {
  const float* first;
  std::int64_t stride, count, length;
};

// c[row] (+)= the sum over i < length of row[i] * columns[i]; meanwhile what `ahead` names is fetched.
void multiply_rows(const Workspace& space, const QueryPanel& panel, const Rows& rows, const float* columns, float* c,
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

// The block that begins at key `begin`, of packed keys or of turned values.
Ahead block_at(const AttentionCall& call, const float* packed, std::int64_t begin) {
  Ahead ahead;
  ahead.add(packed + begin * call.width, std::min(kKeyBlock, call.keys - begin) * call.width);
  return ahead;
}

void attend(const AttentionCall& call, const Head& head, const QueryPanel& panel, const Workspace& space) {
  const float scale = score_scale(call);
  begin_panel(call, head, panel, space);
  const std::int64_t keys = call.causal ? std::min(call.keys, panel.begin + panel.count) : call.keys;
  for (std::int64_t begin = 0; begin < keys; begin += kKeyBlock) {
    const std::int64_t count = std::min(kKeyBlock, keys - begin),
                       next = begin + kKeyBlock < keys ? begin + kKeyBlock : 0;
    multiply_rows(space, panel, {head.packed_k + begin * call.width, call.width, count, call.width}, space.queries,
                  space.scores, false, block_at(call, head.packed_k, next));
    if (call.causal) hide_later_keys(panel, space, begin, count);
    soften(call, panel, space, scale, count);
    const std::int64_t stride = round_up(std::min(kKeyBlock, call.keys - begin), kLanes);
    multiply_rows(space, panel, {head.turned_v + begin * call.width, stride, call.width, count}, space.scores,
                  space.sums, true, block_at(call, head.turned_v, next));
  }
  finish(call, head, panel, space);
}

}  // namespace

void attention_pack(const AttentionCall& call, std::int64_t task) {
  const std::int64_t blocks = attention_key_blocks(call, kPanel), begin = task % blocks * kKeyBlock;
  const Head head = head_of(call, task / blocks);
  const std::int64_t count = std::min(kKeyBlock, call.keys - begin);
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

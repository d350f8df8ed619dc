// Attention as in attention.cpp, whose products are made by parts of bf16 in tile registers.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/split_attention.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>

#include "backends/cpu/kernels/attention-inl.h"
#include "backends/cpu/kernels/split_strips-inl.h"
#include "backends/cpu/kernels/split_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
namespace {

static_assert(kKeyBlock % kSplitChannels == 0 && kPanel / kLanes <= 4);

// `count` rows, taken apart; 16 of them lie `stride` floats after the 16 before.
struct SplitRows {
  float* first;
  std::int64_t stride, count;
};

// c[row] (+)= the sum over i < length of row[i] * columns[i], which are taken apart, too. Rows are rounded up to 16.
template <int kParts>
void multiply_rows(const SplitRows& rows, std::int64_t length, const float* columns, const QueryPanel& panel, float* c,
                   bool accumulate) {
  const MultiplyStrip multiply = multiply_inputs_left_for<>({kParts, kParts}, panel.vectors);
  constexpr std::int64_t kAtOnce = strips_at_once({kParts, kParts}) * kSplitRows;
  for (std::int64_t row = 0; row < rows.count; row += kAtOnce) {
    const LeftSide left{rows.first + row / kSplitRows * rows.stride}, lower{left.tiles + rows.stride};
    multiply({left,
              columns,
              divide_up(length, kSplitChannels),
              c + row * panel.columns(),
              panel.columns(),
              kLanes,
              accumulate,
              {},
              kAtOnce > kSplitRows && rows.count - row > kSplitRows ? &lower : nullptr});
  }
}

// Where the block of keys that begins at `begin` lies in turned values.
template <int kParts>
float* values_at(const AttentionCall& call, const Head& head, std::int64_t begin) {
  return head.turned_v + begin / kKeyBlock * divide_up(call.width, kSplitRows) * split_floats(kKeyBlock, kParts);
}

// Adds what a panel sees of a block of keys.
template <int kParts>
void meet(const AttentionCall& call, const Head& head, const QueryPanel& panel, const Workspace& space,
          std::int64_t begin) {
  const std::int64_t there = std::min(kKeyBlock, call.keys - begin),
                     count = call.causal ? std::min(there, panel.begin + panel.count - begin) : there;
  if (count <= 0) return;
  const std::int64_t stride = split_floats(call.width, kParts);
  multiply_rows<kParts>({head.packed_k + begin / kSplitRows * stride, stride, count}, call.width, space.split_queries,
                        panel, space.scores, false);
  if (call.causal) hide_later_keys(panel, space, begin, count);
  if constexpr (kParts == 1) {
    soften_to_pairs(call, panel, space, count, kSplitChannels, [&](std::int64_t key, std::int64_t column) {
      return space.split_weights + (key / kSplitChannels * panel.vectors + column / kLanes) * kTileFloats +
             key % kSplitChannels / 2 * kLanes;
    });
  } else {
    soften(call, panel, space, score_scale(call), count);
    split_columns<kParts>(space.scores, count, panel.columns(), space.split_weights);
  }
  multiply_rows<kParts>({values_at<kParts>(call, head, begin), split_floats(there, kParts), call.width}, count,
                        space.split_weights, panel, space.sums, true);
}

// Values of keys [begin, begin + count), turned so that a row is a channel, and taken apart.
template <int kParts>
void pack_values(const AttentionCall& call, const Head& head, std::int64_t begin, std::int64_t count) {
  alignas(64) float turned[kSplitRows * kKeyBlock];
  float* to = values_at<kParts>(call, head, begin);
  for (std::int64_t channel = 0; channel < call.width; channel += kSplitRows, to += split_floats(count, kParts)) {
    const std::int64_t channels = std::min(kSplitRows, call.width - channel);
    turn(head.v + begin * call.stride + channel, call.stride, count, channels, turned, kKeyBlock);
    split_rows<kParts>(
        channels, count,
        [&](std::int64_t row, std::int64_t at) { return numbers_at(turned + row * kKeyBlock + at, count - at); }, to);
  }
}

template <int kParts>
void pack(const AttentionCall& call, std::int64_t task) {
  const std::int64_t blocks = attention_key_blocks(call, kPanel), begin = task % blocks * kKeyBlock,
                     end = std::min(begin + kKeyBlock, call.keys);
  const Head head = head_of(call, task / blocks);
  for (std::int64_t key = begin; key < end; key += kSplitRows)
    split_rows<kParts>(
        std::min(kSplitRows, end - key), call.width,
        [&](std::int64_t row, std::int64_t at) {
          return numbers_at(head.k + (key + row) * call.stride + at, call.width - at);
        },
        head.packed_k + key / kSplitRows * split_floats(call.width, kParts));
  pack_values<kParts>(call, head, begin, end - begin);
}

template <int kParts>
void attend(const AttentionCall& call, std::int64_t task, float* scratch) {
  const std::int64_t blocks = attention_query_blocks(call), begin = task % blocks * kQueryBlock,
                     end = std::min(begin + kQueryBlock, call.queries);
  const Head head = head_of(call, task / blocks);
  const TileRegisters registers;
  const auto for_each_panel = [&](auto&& use) {
    for (std::int64_t at = begin; at < end; at += kPanel) {
      const std::int64_t count = std::min<std::int64_t>(kPanel, end - at);
      use(QueryPanel{at, count, divide_up(count, kLanes)}, workspace_in(scratch, call, (at - begin) / kPanel));
    }
  };
  for_each_panel([&](const QueryPanel& panel, const Workspace& space) {
    begin_panel(call, head, panel, space);
    split_columns<kParts>(space.queries, call.width, panel.columns(), space.split_queries);
  });
  for (std::int64_t key = 0; key < call.keys; key += kKeyBlock)
    for_each_panel(
        [&](const QueryPanel& panel, const Workspace& space) { meet<kParts>(call, head, panel, space, key); });
  for_each_panel([&](const QueryPanel& panel, const Workspace& space) { finish(call, head, panel, space); });
}

}  // namespace

void split_attention_pack(const AttentionCall& call, std::int64_t task) {
  call.rounded ? pack<1>(call, task) : pack<kInputParts>(call, task);
}

void split_attention(const AttentionCall& call, std::int64_t task, float* scratch) {
  call.rounded ? attend<1>(call, task, scratch) : attend<kInputParts>(call, task, scratch);
}
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

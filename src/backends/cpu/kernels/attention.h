// How attention is cut into tasks, and what they use: packed keys and values, and scratch, in floats.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/split_product.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

constexpr std::int64_t kQueryBlock = 192;  // of a task, a multiple of every panel

// Keys that a panel of queries meets at a time: its scores stay in the first-level cache. A multiple of every vector.
constexpr std::int64_t attention_key_block(int panel) { return 6144 / panel; }

inline std::int64_t attention_query_blocks(const AttentionCall& call) { return divide_up(call.queries, kQueryBlock); }
inline std::int64_t attention_key_blocks(const AttentionCall& call, int panel) {
  return divide_up(call.keys, attention_key_block(panel));
}

// Of one head's keys, [key][channel], or values, [block of keys][channel][key], which are padded to whole vectors of
// keys; no panel is less than a vector. By parts both are left sides of products, see split_product.h: of keys
// [32 keys][block of 32 channels], of values [block of keys][32 channels][block of 32 keys], each [part][2 tiles].
inline std::int64_t attention_packed(const AttentionCall& call, int panel) {
  if (call.split) {
    const std::int64_t block = attention_key_block(panel), blocks = divide_up(call.keys, block);
    return blocks * (block / kSplitRows) * split_floats(call.width);
  }
  return round_up(call.keys, panel) * call.width;
}

// Of one panel of queries: [row pointers | queries | scores | weighted sums | maxima | totals], and of two right sides
// of products by parts: [queries | weights]
struct AttentionScratch {
  std::int64_t queries_at, scores_at, sums_at, maxima_at, totals_at, split_queries_at, split_weights_at, total;
};
inline AttentionScratch attention_scratch(const AttentionCall& call, int panel) {
  const std::int64_t block = attention_key_block(panel);
  AttentionScratch layout{};
  layout.queries_at = round_up(std::max(block, call.width) * kFloatsPerPointer, 16);
  layout.scores_at = layout.queries_at + round_up(call.width * panel, 16);
  layout.sums_at = layout.scores_at + block * panel;
  layout.maxima_at = layout.sums_at + round_up(call.width * panel, 16);
  layout.totals_at = layout.maxima_at + round_up(panel, 16);
  layout.split_queries_at = layout.totals_at + round_up(panel, 16);
  layout.split_weights_at =
      layout.split_queries_at + (call.split ? panel / kSplitColumns * split_floats(call.width) : 0);
  layout.total = layout.split_weights_at + (call.split ? panel / kSplitColumns * split_floats(block) : 0);
  return layout;
}

}  // namespace safelight::cpu

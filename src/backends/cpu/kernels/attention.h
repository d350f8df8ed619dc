// How attention is cut into tasks, and what they use: packed keys and values, and scratch, in floats.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/split_product.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

// Of a task, a multiple of every panel. By parts all its panels meet a block of keys, which is larger then, before the
// next: 4096 keys with heads of 64 come from the third-level cache. Otherwise they fit into the second.
constexpr std::int64_t kQueryBlock = 192;

// Keys that a panel of queries meets at a time: its scores stay in the first-level cache. A multiple of every vector.
constexpr std::int64_t attention_key_block(int panel) { return 6144 / panel; }

inline std::int64_t attention_query_blocks(const AttentionCall& call) { return divide_up(call.queries, kQueryBlock); }
inline std::int64_t attention_key_blocks(const AttentionCall& call, int panel) {
  return divide_up(call.keys, attention_key_block(panel));
}

// Of one head's keys, [key][channel], or values, [block of keys][channel][key], which are padded to whole vectors of
// keys; no panel is less than a vector. Rounded to bf16 two channels or two keys lie in the place of one float. By
// parts both are left sides of products, see split_product.h: of keys [16 keys][block of 32 channels][part], of values
// [block of keys][16 channels][block of 32 keys][part].
inline std::int64_t attention_packed(const AttentionCall& call, int panel) {
  if (call.split) {
    const std::int64_t block = attention_key_block(panel), blocks = divide_up(call.keys, block);
    return blocks * (block / kSplitRows) * split_floats(call.width, input_parts(call.rounded));
  }
  return round_up(call.keys, panel) * (call.rounded ? divide_up(call.width, 2) : call.width);
}

// [row pointers | scores | weights], and of every panel of queries that a task has at once [queries | weighted sums |
// maxima | totals | queries by parts]. The weights and queries by parts are right sides of products.
struct AttentionScratch {
  std::int64_t scores_at, split_weights_at, panels_at;                        // of the task
  std::int64_t sums_at, maxima_at, totals_at, split_queries_at, panel_total;  // of a panel
  std::int64_t total;
};
inline AttentionScratch attention_scratch(const AttentionCall& call, int panel) {
  const std::int64_t block = attention_key_block(panel), panels = call.split ? kQueryBlock / panel : 1;
  const auto split_side = [&](std::int64_t length) {
    return call.split ? panel / kSplitRows * split_floats(length, input_parts(call.rounded)) : 0;
  };
  AttentionScratch layout{};
  layout.scores_at = round_up(std::max(block, call.width) * kFloatsPerPointer, 16);
  layout.split_weights_at = layout.scores_at + block * panel;
  layout.panels_at = layout.split_weights_at + split_side(block);
  layout.sums_at = round_up(call.width * panel, 16);
  layout.maxima_at = layout.sums_at + round_up(call.width, 16) * panel;
  layout.totals_at = layout.maxima_at + round_up(panel, 16);
  layout.split_queries_at = layout.totals_at + round_up(panel, 16);
  layout.panel_total = layout.split_queries_at + split_side(call.width);
  layout.total = layout.panels_at + panels * layout.panel_total;
  return layout;
}

}  // namespace safelight::cpu

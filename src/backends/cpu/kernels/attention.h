// How attention is cut into tasks, and what they use: packed keys and values, and scratch, in floats.
#pragma once

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

constexpr std::int64_t kQueryBlock = 192;              // a multiple of the microkernel's 6 rows
constexpr std::int64_t kKeyBlock = 256;                // a multiple of every panel
constexpr std::int64_t kScoreStride = kKeyBlock + 16;  // not a power of two: rows would compete for cache sets

inline std::int64_t attention_query_blocks(const AttentionCall& call) { return divide_up(call.queries, kQueryBlock); }
inline std::int64_t attention_key_blocks(const AttentionCall& call) { return divide_up(call.keys, kKeyBlock); }

// Of the keys, or of the values, of one head.
inline std::int64_t attention_packed(const AttentionCall& call, int panel) {
  return round_up(call.keys, panel) * round_up(call.width, panel);
}

// [row pointers | scaled queries | scores | weighted sums | maxima | totals]
struct AttentionScratch {
  std::int64_t queries_at, scores_at, sums_at, maxima_at, totals_at, total;
};
inline AttentionScratch attention_scratch(const AttentionCall& call, int panel) {
  AttentionScratch layout{};
  layout.queries_at = 2 * kQueryBlock * kFloatsPerPointer;
  layout.scores_at = layout.queries_at + kQueryBlock * round_up(call.width, 16);
  layout.sums_at = layout.scores_at + kQueryBlock * kScoreStride;
  layout.maxima_at = layout.sums_at + kQueryBlock * round_up(call.width, panel);
  layout.totals_at = layout.maxima_at + kQueryBlock;
  layout.total = layout.totals_at + kQueryBlock * panel;  // a vector each, which is no longer than a panel
  return layout;
}

}  // namespace safelight::cpu

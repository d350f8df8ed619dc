// A matrix product of floats on tiles of bf16, for processors that multiply those sixteen times as fast. A float's 24
// bits are the sum of three numbers of 8; a stored weight's are the sum of one (BF16, F8, I8), two (F16) or three
// (F32). Of the products of their parts those are left out that are a few times the last bit of the whole at most. That
// is less than rounding loses where many products are added as floats: the tests compare both with sums in double
// precision (Henry, Tang & Heinecke 2019, "Leveraging the bfloat16 Artificial Intelligence Datatype For
// Higher-Precision Computations"). Infinity becomes no number.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/tile_registers.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

constexpr int kInputParts = 3;
constexpr int weight_parts(DType type) { return type == DType::F32 ? 3 : type == DType::F16 ? 2 : 1; }

constexpr std::int64_t kSplitRows = 32;      // of x and of sums: two tiles, one above the other
constexpr std::int64_t kSplitColumns = 32;   // of weights and of sums: two tiles side by side
constexpr std::int64_t kSplitChannels = 32;  // in-channels that one tile holds of its rows or columns
constexpr std::int64_t kTileFloats = kTileBytes / std::int64_t{sizeof(float)};

// Floats that so many channels of 32 rows fill, or of 32 columns, of three parts: [block of 32 channels][part][2
// tiles].
constexpr std::int64_t split_floats(std::int64_t channels) {
  return divide_up(channels, kSplitChannels) * kInputParts * 2 * kTileFloats;
}

// Channels of y that 32 columns make.
inline std::int64_t split_column_channels(const ProductCall& call) {
  return call.tail.geglu ? kSplitColumns / 2 : kSplitColumns;
}

// Up to so many rows of a task are all taken apart before it multiplies them, and then its weights, 32 columns after
// the other. Otherwise it is the rows that are taken apart one after the other, 32 of them, and all weights before.
constexpr std::int64_t kFewSplitRows = 160;
inline bool has_few_rows(const ProductCall& call) { return std::min(call.row_block, call.rows) <= kFewSplitRows; }

// Of one task: [rows taken apart | sums | weights taken apart], in floats. Both sides lie in tiles, in the order in
// which they are read, filled up with zeros to whole ones: [block of 32 channels][part][2 tiles].
struct SplitScratch {
  std::int64_t sums_at, weights_at, total;
};

// REQUIRES: row_block and in_block are multiples of 32, channel_block of what makes 32 columns.
inline SplitScratch split_scratch(const ProductCall& call) {
  const bool passes = call.in_block < call.weight.in, few = has_few_rows(call);
  const std::int64_t columns = divide_up(std::min(call.channel_block, call.channels), split_column_channels(call)),
                     rows = divide_up(std::min(call.row_block, call.rows), kSplitRows),
                     depth = divide_up(std::min(call.in_block, call.weight.in), kSplitChannels);
  // Sums of one pass are finished at once.
  const std::int64_t sums = (few || passes ? rows : 1) * (passes ? columns : 1);
  SplitScratch layout{};
  layout.sums_at = (few ? rows : 1) * split_floats(std::min(call.in_block, call.weight.in));
  layout.weights_at = layout.sums_at + sums * kSplitRows * kSplitColumns;
  layout.total = layout.weights_at + (few ? 1 : columns) * depth * weight_parts(call.weight.type) * 2 * kTileFloats;
  return layout;
}

}  // namespace safelight::cpu

// A matrix product of floats on tiles of bf16, for processors that multiply those sixteen times as fast. A float's 24
// bits are the sum of three numbers of 8; a stored weight's are the sum of one (BF16, F8, I8), two (F16) or three
// (F32). Of the products of their parts those are left out that are a few times the last bit of the whole at most. That
// is less than rounding loses where many products are added as floats: the tests compare both with sums in double
// precision (Henry, Tang & Heinecke 2019, "Leveraging the bfloat16 Artificial Intelligence Datatype For
// Higher-Precision Computations"). Infinity becomes no number. A call may ask for rounding instead: then both sides
// have one part, the nearest bf16.
//
// An instruction multiplies a left tile, 16 rows of 32 channels, with a right tile, 32 channels of 16 columns. Both
// sides are taken apart into tiles in the order in which they are read, filled up with zeros to whole ones. The right
// one's channels must be turned for that, the left one's not: it can be taken apart while the tiles before it are
// multiplied, which is where the processor has nothing else to do. Where an image has many rows they are the left side;
// where it has few, most of the work would be taking weights apart, and weights are left.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/tile_registers.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

constexpr int kInputParts = 3;
constexpr int weight_parts(DType type) { return type == DType::F32 ? 3 : type == DType::F16 ? 2 : 1; }
constexpr int input_parts(bool rounded) { return rounded ? 1 : kInputParts; }

// Of both sides of a call.
struct SplitParts {
  int inputs, weights;
};
inline SplitParts split_parts(const ProductCall& call) {
  return {input_parts(call.rounded), call.rounded ? 1 : weight_parts(call.weight.type)};
}

constexpr std::int64_t kSplitRows = 16;      // of a left tile, and columns of a right one
constexpr std::int64_t kSplitChannels = 32;  // of a tile
constexpr std::int64_t kTileFloats = kTileBytes / std::int64_t{sizeof(float)};

// Inputs that are left are multiplied 16 rows at a time, rounded ones in pairs of so many.
constexpr std::int64_t strips_at_once(const SplitParts& parts) { return parts.inputs == 1 ? 2 : 1; }

// Floats that so many channels of 16 rows or columns fill: [block of 32 channels][part].
constexpr std::int64_t split_floats(std::int64_t channels, int parts) {
  return divide_up(channels, kSplitChannels) * parts * kTileFloats;
}

// Weights are left. An image's rows decide, so that it has the same bits in any batch.
constexpr std::int64_t kFewSplitRows = 96;
inline bool has_few_rows(const ProductCall& call) { return call.tail.rows_per_image <= kFewSplitRows; }

// Few rows are multiplied in groups of so many tiles, which all fit into registers. A task has two groups at most.
constexpr std::int64_t kMostGroupTiles = 5, kTaskGroups = 2;
constexpr std::int64_t kMostSumTiles = 8;  // of a pair of strips by a panel
inline std::int64_t group_tiles(const ProductCall& call) {
  const std::int64_t tiles = divide_up(call.rows, kSplitRows);
  return divide_up(tiles, divide_up(tiles, kMostGroupTiles));
}

// Few rows are all taken apart before they are multiplied, [group][block of channels][part][tile], in tasks of a tile's
// rows and so many channels.
constexpr std::int64_t kPrepareChannels = 512;
inline std::int64_t split_prepare_tasks(const ProductCall& call) {
  return has_few_rows(call) ? divide_up(call.rows, kSplitRows) * divide_up(call.weight.in, kPrepareChannels) : 0;
}
inline std::int64_t split_inputs_floats(const ProductCall& call) {
  return has_few_rows(call) ? divide_up(call.rows, kSplitRows) * split_floats(call.weight.in, split_parts(call).inputs)
                            : 0;
}

// Of one task that multiplies: [left side of 16 rows, or of a pair | sums | right side], in floats. Few rows have their
// right side elsewhere; in its place are rows of sums that wait for their end.
struct SplitScratch {
  std::int64_t sums_at, right_at, total;
};

// REQUIRES: row_block is a multiple of 16, in_block of 32.
inline SplitScratch split_scratch(const ProductCall& call, std::int64_t panel) {
  const bool passes = call.in_block < call.weight.in, few = has_few_rows(call);
  const std::int64_t depth = std::min(call.in_block, call.weight.in), halves = call.tail.geglu ? 2 : 1,
                     columns = round_up(std::min(call.channel_block, call.channels), kSplitRows) * halves,
                     rows = round_up(std::min(call.row_block, call.rows), kSplitRows);
  const SplitParts parts = split_parts(call);
  SplitScratch layout{};
  layout.sums_at = split_floats(depth, few ? parts.weights : strips_at_once(parts) * parts.inputs);
  // Sums of one pass are finished at once.
  layout.right_at = layout.sums_at + (passes ? rows * columns : kMostSumTiles * kTileFloats);
  layout.total = layout.right_at + (few ? rows * panel : columns / kSplitRows * split_floats(depth, parts.weights));
  return layout;
}

}  // namespace safelight::cpu

// How a product's task uses its scratch, in floats: [pixel pointers | those of the rest | sums | packed panels], and of
// pairs of bf16 [pointers to the rows of a tile | these].
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/split_product.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

struct ProductScratch {
  std::int64_t rest_at, sums_at, panels_at, pairs_at, total;
};

constexpr std::int64_t kPairPointers = 16;  // floats, more than a tile's rows take

inline ProductScratch product_scratch(const ProductCall& call, int panel) {
  constexpr std::int64_t kAlign = 16, kTileRows = 6;
  const auto align = [](std::int64_t floats) { return round_up(floats, kAlign); };
  const std::int64_t rows = std::min(call.row_block, call.rows);
  const std::int64_t
      width =  // whole panels are more than enough, however their channels are shared, and the halves of a geglu
      (std::min(call.channel_block, call.channels) * (call.tail.geglu ? 2 : 1) / panel + 1) * panel;
  const std::int64_t pointers = rows * call.weight.taps * kFloatsPerPointer;
  const bool split = call.in_block < call.weight.in;
  // Floats that the in-channels of one block fill in a row of either side.
  const std::int64_t depth = std::min(call.in_block, call.weight.in),
                     row = call.rounded ? round_up(depth, kSplitChannels) / 2 : depth;
  ProductScratch layout{};
  layout.rest_at = align(pointers);
  layout.sums_at = layout.rest_at + (call.source.rest ? layout.rest_at : 0);
  layout.panels_at = layout.sums_at + align((split ? rows : std::min(rows, kTileRows)) * width);
  layout.pairs_at = layout.panels_at + align(row * call.weight.taps * width);
  layout.total = layout.pairs_at + (call.rounded ? kPairPointers + kTileRows * row : 0);
  return layout;
}

}  // namespace safelight::cpu

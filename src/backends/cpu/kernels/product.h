// How a product's task uses its scratch: [pixel pointers | those of the rest | sums | packed panels], in floats.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

struct ProductScratch {
  std::int64_t rest_at, sums_at, panels_at, total;
};

inline ProductScratch product_scratch(const ProductCall& call, int panel) {
  constexpr std::int64_t kAlign = 16, kTileRows = 6;
  const auto align = [](std::int64_t floats) { return round_up(floats, kAlign); };
  const std::int64_t rows = std::min(call.row_block, call.rows);
  const std::int64_t
      width =  // whole panels are more than enough, however their channels are shared, and the halves of a geglu
      (std::min(call.channel_block, call.channels) * (call.tail.geglu ? 2 : 1) / panel + 1) * panel;
  const std::int64_t pointers = rows * call.weight.taps * kFloatsPerPointer;
  const bool split = call.in_block < call.weight.in;
  ProductScratch layout{};
  layout.rest_at = align(pointers);
  layout.sums_at = layout.rest_at + (call.source.rest ? layout.rest_at : 0);
  layout.panels_at = layout.sums_at + align((split ? rows : std::min(rows, kTileRows)) * width);
  layout.total = layout.panels_at + align(std::min(call.in_block, call.weight.in) * call.weight.taps * width);
  return layout;
}

}  // namespace safelight::cpu

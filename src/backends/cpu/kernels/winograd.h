// 3x3 convolution by Winograd's minimal filtering (Lavin & Gray 2016). F(4x4, 3x3): a 4x4 tile of the result takes 36
// products a channel pair instead of 144. F(2x2, 3x3): a 2x2 tile takes 16 instead of 36, for pictures so small that
// tiles of 4x4 would reach far beyond them, or be too few to pay for transforming the weights for 36 positions.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

// Planes of one position lie this much further apart than they are long, so that they do not share cache sets.
constexpr std::int64_t kPlaneGap = 48;

// Output channels of one block: a panel or several.
constexpr std::int64_t kWinogradColumns = 64;

// A convolution of a group of tiles, in two loops: transform the group's input, then multiply and transform back. Where
// the weights' transform is used by several tasks, a loop before them makes it once.
struct WinogradCall {
  ProductCall product;  // its blocks are not used
  int tile_side = 0;    // 2 or 4: which filtering
  std::int64_t tiles_x = 0, tiles_y = 0;
  std::int64_t first_tile = 0, tiles = 0;     // of this group
  std::int64_t tile_block = 0, in_block = 0;  // of one multiplication
  // Transformed: [position][in block][tile][channel of the block].
  float* inputs = nullptr;
  // Transformed: [column block][position][panel][channel][column]. Null: each task makes its own.
  float* weights = nullptr;
  static constexpr std::int64_t kTransformTiles = 8;  // tiles of one task of the input transform

  // Of a patch of the input, after its transform; the same for weights and sums.
  int positions() const noexcept { return (tile_side + 2) * (tile_side + 2); }
  std::int64_t in_blocks() const noexcept { return divide_up(product.weight.in, in_block); }
  std::int64_t input_plane() const noexcept { return in_blocks() * tiles * in_block + kPlaneGap; }
  std::int64_t weight_plane() const noexcept { return in_block * kWinogradColumns + kPlaneGap; }
  std::int64_t sum_plane() const noexcept { return std::min(tile_block, tiles) * kWinogradColumns + kPlaneGap; }
  std::int64_t column_blocks() const noexcept { return divide_up(product.channels, kWinogradColumns); }

  std::int64_t input_floats() const noexcept { return positions() * input_plane(); }
  std::int64_t weight_block() const noexcept { return positions() * weight_plane(); }
  std::int64_t weight_floats() const noexcept { return column_blocks() * weight_block(); }
  std::int64_t input_tasks() const noexcept { return divide_up(tiles, kTransformTiles); }
  std::int64_t multiply_tasks() const noexcept { return divide_up(tiles, tile_block) * column_blocks(); }
};

// [row pointers | sums | transformed weights | weights as packed]
struct WinogradScratch {
  std::int64_t sums_at, weights_at, packed_at, total;
};
constexpr std::int64_t kPackedChannels = 16;  // in-channels whose weights are transposed at once

inline WinogradScratch winograd_scratch(const WinogradCall& call) {
  const auto align = [](std::int64_t floats) { return round_up(floats, 16); };
  WinogradScratch layout{};
  layout.sums_at = align(std::min(call.tile_block, call.tiles) * kFloatsPerPointer);
  layout.weights_at = layout.sums_at + align(call.positions() * call.sum_plane());
  layout.packed_at = layout.weights_at + (call.weights ? 0 : align(call.weight_block()));
  layout.total = layout.packed_at + 9 * kPackedChannels * 16;  // of the widest vector
  return layout;
}

}  // namespace safelight::cpu

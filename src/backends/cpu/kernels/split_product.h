// A matrix product of floats on tiles of bf16, for processors that multiply those sixteen times as fast. A float's 24
// bits are the sum of three numbers of 8; a stored weight's are the sum of one (BF16, F8, I8), two (F16) or three
// (F32). Of the products of their parts those are left out that are smaller than the last bit of the whole, so nothing
// is lost that a product of floats keeps (Henry, Tang & Heinecke 2019, "Leveraging the bfloat16 Artificial Intelligence
// Datatype For Higher-Precision Computations").
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

// In two loops over a group of rows: one splits them, one multiplies and finishes. Both sides lie in tiles, in the
// order in which they are read, filled up with zeros to whole ones.
struct SplitCall {
  ProductCall product;                   // its source is a matrix, or two
  std::int64_t first_row = 0, rows = 0;  // of this group
  float* inputs = nullptr;               // [block of 32 rows][block of 32 channels][part][upper and lower tile]

  std::int64_t input_blocks() const noexcept { return divide_up(product.weight.in, kSplitChannels); }
  std::int64_t split_tasks() const noexcept { return divide_up(rows, kSplitRows); }
  std::int64_t block_floats() const noexcept { return input_blocks() * kInputParts * 2 * kTileFloats; }
  std::int64_t input_floats() const noexcept { return split_tasks() * block_floats(); }
  std::int64_t multiply_tasks() const noexcept { return divide_up(rows, product.row_block) * product.channel_blocks(); }
  // Channels of y that 32 columns make.
  std::int64_t column_channels() const noexcept { return product.tail.geglu ? kSplitColumns / 2 : kSplitColumns; }
};

// Of one task of the multiplication: [sums | weights], in floats.
struct SplitScratch {
  std::int64_t weights_at, total;
};

inline SplitScratch split_scratch(const SplitCall& call) {
  const ProductCall& product = call.product;
  const bool passes = product.in_block < product.weight.in;  // else sums are finished block by block
  const std::int64_t columns = divide_up(std::min(product.channel_block, product.channels), call.column_channels());
  const std::int64_t rows = divide_up(std::min(product.row_block, call.rows), kSplitRows);
  SplitScratch layout{};
  layout.weights_at = (passes ? rows * columns : 1) * kSplitRows * kSplitColumns;
  layout.total = layout.weights_at + columns * divide_up(product.in_block, kSplitChannels) *
                                         weight_parts(product.weight.type) * 2 * kTileFloats;
  return layout;
}

}  // namespace safelight::cpu

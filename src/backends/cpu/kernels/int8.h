// A matrix product whose both sides are rounded to whole numbers of 8 bits first; see ops/quantise.h. Nothing of it
// outlives the call: weights are rounded from the file's bytes each time, which takes a ninth of its time; keeping them
// would take 290 MB for SD 1.5.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {

// In two loops: one rounds the panels of weights, and blocks of rows of x; one multiplies. Whole numbers lie in groups
// of 32 bits: of a row, `group` neighbours; how wide each is and whether it has a sign is the kernel's affair.
struct Int8Call {
  ProductCall product;       // its blocks are not used; its source is a matrix, or two
  int group = 0, panel = 0;  // Int8Kernels::group, Kernels::panel

  std::int32_t* weights = nullptr;     // [panel][group][column of the panel]
  float* weight_units = nullptr;       // [panel][column]
  std::int32_t* first_sums = nullptr;  // [panel][column]: where sums start, to make up for inputs without a sign
  std::int32_t* inputs = nullptr;      // [row][group]
  float* input_units = nullptr;        // [row]
  std::int64_t row_block = 0, panel_block = 0;  // of one task of the multiplication

  static constexpr std::int64_t kPrepareRows = 32;  // of one task that rounds inputs
  static constexpr std::int64_t kRowPadding = 64;   // rows are filled up with zeros to multiples of this

  std::int64_t groups() const noexcept { return round_up(product.weight.in, kRowPadding) / group; }  // of a row
  std::int64_t panels() const noexcept { return divide_up(product.channels, product.tail.geglu ? panel / 2 : panel); }
  std::int64_t panel_blocks() const noexcept { return divide_up(panels(), panel_block); }
  std::int64_t prepare_tasks() const noexcept { return panels() + divide_up(product.rows, kPrepareRows); }
  std::int64_t multiply_tasks() const noexcept { return divide_up(product.rows, row_block) * panel_blocks(); }

  // Floats of scratch that a task of the first loop needs: as many rounded rows of weights as a vector has lanes, or a
  // row of x that is put together.
  std::int64_t scratch(int lanes) const noexcept {
    return std::max(lanes * groups(), product.source.rest ? product.weight.in : 0);
  }
};

}  // namespace safelight::cpu

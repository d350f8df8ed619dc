// A convolution by parts of bf16, see split_product.h: every tap is a product of pixels with weights, and all are added
// up in tile registers. A tile's 16 rows are neighbouring pixels of the input taken apart, so a tap is but another
// place to read them from. Nine taps cost more products than Winograd's filtering, but these are so much faster, their
// operands come from the second-level cache, and nothing is lost by transforms.
#pragma once

#include <algorithm>

#include "backends/cpu/kernels/split_product.h"

namespace safelight::cpu {

constexpr std::int64_t kMostTaps = 9;

// A task is a block of lines, of all images one after the other, times a block of columns, times one of output
// channels.
struct SplitConv2dCall {
  ProductCall product;  // its row_block is not used
  std::int64_t line_block = 0, column_block = 0;

  const PixelSource& source() const noexcept { return product.source; }
  std::int64_t lines() const noexcept { return product.rows / source().out_width; }
  std::int64_t images() const noexcept { return lines() / source().out_height; }
  std::int64_t line_blocks() const noexcept { return divide_up(lines(), line_block); }
  std::int64_t column_blocks() const noexcept { return divide_up(source().out_width, column_block); }
  std::int64_t tasks() const noexcept { return line_blocks() * column_blocks() * product.channel_blocks(); }
};

// Of input pixels, what so many output pixels of a line, or lines, see.
inline std::int64_t seen_by(const PixelSource& source, std::int64_t count) {
  return (count - 1) * source.stride + source.kernel;
}

// Whether a strip of 16 pixels goes on in the next line, where a line would fill the last of its own badly. What lies
// between lines is computed in vain.
inline bool strips_cross_lines(const PixelSource& source, std::int64_t columns) {
  return source.stride == 1 && columns % kSplitRows != 0;
}

// Of one task: [inputs taken apart | sums | weights taken apart | 32 channels of weights, turned], in floats.
struct SplitConv2dScratch {
  std::int64_t positions, strips;  // of pixels that are taken apart, and of 16 results, at most
  std::int64_t sums_at, weights_at, turned_at, total;
};

// REQUIRES: in_block is a multiple of 32, channel_block of 16.
inline SplitConv2dScratch split_conv2d_scratch(const SplitConv2dCall& call, std::int64_t panel) {
  const ProductCall& product = call.product;
  const PixelSource& source = call.source();
  const std::int64_t lines = std::min(call.line_block, call.lines()), images = divide_up(lines, source.out_height) + 1,
                     columns = std::min(call.column_block, source.out_width), pitch = seen_by(source, columns),
                     depth = std::min(product.in_block, product.weight.in), taps = product.weight.taps,
                     channels = std::min(product.channel_block, product.channels);
  const bool passes = product.in_block < product.weight.in;
  const SplitParts parts = split_parts(product);
  SplitConv2dScratch layout{};
  // A strip may read beyond the last.
  layout.positions = (lines * source.stride + images * source.kernel) * pitch + kSplitRows * source.stride;
  // The last block of columns may be narrower, and its strips cross lines though the others' do not.
  layout.strips = std::max(lines * divide_up(columns, kSplitRows), divide_up(lines * pitch, kSplitRows) + images);
  layout.sums_at = divide_up(depth, kSplitChannels) * parts.inputs * layout.positions *
                   (kTileRowBytes / std::int64_t{sizeof(float)});
  layout.weights_at = layout.sums_at + kSplitRows * (passes ? layout.strips * round_up(channels, kSplitRows)
                                                            : strips_at_once(parts) * panel);
  layout.turned_at = layout.weights_at + taps * panel / kSplitRows * split_floats(depth, parts.weights);
  layout.total = layout.turned_at + taps * kSplitChannels * kSplitRows;
  return layout;
}

}  // namespace safelight::cpu

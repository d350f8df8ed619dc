// GEMM and convolution: one task of a ProductCall.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/product.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>

#include "backends/cpu/kernels/microkernel-inl.h"
#include "backends/cpu/kernels/panel-inl.h"
#include "backends/cpu/kernels/pixel.h"
#include "backends/cpu/kernels/product.h"
#include "backends/cpu/kernels/weight_tiles-inl.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

// How many of the packed panel's rows in-channels fill, of one tap: of pairs whole tiles, see weight_tiles-inl.h.
template <class Number>
constexpr std::int64_t packed_rows(std::int64_t channels) {
  return Number::kGroup == 1 ? channels : round_up(channels, kSplitChannels) / Number::kGroup;
}

// In-channels [in_begin, in_end) of one vector of a panel that is `stride` floats wide.
void pack_vector(Floats, const StoredWeight& weight, const PanelColumns& columns, std::int64_t in_begin,
                 std::int64_t in_end, float* to, std::int64_t stride) {
  pack_columns_of(weight, columns, in_begin, in_end, to, stride);
}

#if HWY_TARGET == HWY_AVX3
void pack_vector(Bf16Pairs, const StoredWeight& weight, const PanelColumns& columns, std::int64_t in_begin,
                 std::int64_t in_end, float* to, std::int64_t stride) {
  for_stored(weight.type, [&]<class Stored>(Stored) {
    pack_column_tile<Stored, 1>(weight, columns, in_begin, in_end, {stride, 0, kTileRegisterRows * stride}, to);
  });
}
#endif

template <class Number>
void pack_panel(const ProductCall& call, const Panel& panel, std::int64_t in_begin, std::int64_t in_end, float* to) {
  for (std::int64_t v = 0; v < panel.vectors; ++v)
    pack_vector(Number(), call.weight, columns_of(call, panel, v), in_begin, in_end, to + v * kLanes,
                panel.vectors * kLanes);
}

// For the tiles of rows [begin, begin + tiling.rows): per tile [tap][row].
void find_pixels(const PixelSource& s, std::int64_t begin, const Tiling& tiling, const float** table) {
  const std::int64_t taps = std::int64_t{s.kernel} * s.kernel;
  std::int64_t x = begin % s.out_width, y = begin / s.out_width % s.out_height,
               image = begin / s.out_width / s.out_height;
  for (std::int64_t tile = 0; tile < tiling.tiles; ++tile) {
    const std::int64_t height = tiling.begin(tile + 1) - tiling.begin(tile);
    for (std::int64_t i = 0; i < height; ++i) {
      for (int ky = 0, tap = 0; ky < s.kernel; ++ky)
        for (int kx = 0; kx < s.kernel; ++kx, ++tap)
          table[tap * height + i] = pixel(s, image, y * s.stride + ky, x * s.stride + kx);
      if (++x == s.out_width) {
        x = 0;
        if (++y == s.out_height) y = 0, ++image;
      }
    }
    table += height * taps;
  }
}

// One task's share of the call and of the scratch.
struct Block {
  std::int64_t row_begin, row_end, channel_begin, channel_end;
  std::int64_t packed_width;     // columns of all panels together
  const float **pixels, **rest;  // rest: of the same rows, in the second matrix if there is one
  float *sums, *panels;
  float* pairs;  // of one tile of rows
};

Block block_of(const ProductCall& call, std::int64_t task, float* scratch) {
  const std::int64_t rows = task / call.channel_blocks() * call.row_block,
                     channels = task % call.channel_blocks() * call.channel_block;
  Block block{rows,     std::min(rows + call.row_block, call.rows),
              channels, std::min(channels + call.channel_block, call.channels),
              0,        nullptr,
              nullptr,  nullptr,
              nullptr,  nullptr};
  for_each_panel(call, block.channel_begin, block.channel_end,
                 [&](const Panel& panel) { block.packed_width += panel.vectors * kLanes; });
  const ProductScratch layout = product_scratch(call, kPanel);
  block.pixels = reinterpret_cast<const float**>(scratch);
  block.rest = reinterpret_cast<const float**>(scratch + layout.rest_at);
  block.sums = scratch + layout.sums_at;
  block.panels = scratch + layout.panels_at;
  block.pairs = scratch + layout.pairs_at;
  return block;
}

// The second matrix of a source as a source of its own.
PixelSource rest_of(const PixelSource& s) {
  return {.x = s.rest, .width = s.width, .channels = s.rest_channels, .out_width = s.out_width};
}

// The left sides of one tile: its rows of a plain matrix may lie in two.
struct TileSides {
  TileRows x, rest;
};

// Floats, where they are. In-channels before `middle` are those of x, from there on those of the rest; a convolution
// has no rest.
TileSides sides_of(Floats, const ProductCall& call, const Block& block, std::int64_t first, std::int64_t,
                   std::int64_t in_begin, std::int64_t in_end) {
  const std::int64_t taps = call.weight.taps, middle = std::clamp(call.source.channels, in_begin, in_end);
  return {{block.pixels + first * taps, taps, in_begin, middle - in_begin},
          {block.rest + first, 1, middle - call.source.channels, in_end - middle}};
}

#if HWY_TARGET == HWY_AVX3
// Pairs, rounded into scratch: pointers to the rows, then these. REQUIRES: one tap.
TileSides sides_of(Bf16Pairs, const ProductCall& call, const Block& block, std::int64_t first, std::int64_t height,
                   std::int64_t in_begin, std::int64_t in_end) {
  const std::int64_t run = packed_rows<Bf16Pairs>(in_end - in_begin);
  const auto rows = reinterpret_cast<const float**>(block.pairs);
  float* to = block.pairs + kPairPointers;
  for (std::int64_t i = 0; i < height; ++i) {
    const JoinedRow row{block.pixels[first + i], call.source.rest ? block.rest[first + i] : nullptr,
                        call.source.channels, call.source.rest_channels};
    rows[i] = to;
    for (std::int64_t at = in_begin; at < in_end; at += kSplitChannels, to += kLanes)
      hn::Store(numbers_of(row, at).rounded(), D(), to);
  }
  return {{rows, 1, 0, run}, {}};
}
#endif

// Adds the products of in-channels [in_begin, in_end) to every tile's sums; finishes the tiles if these are the last.
template <class Number>
void multiply_block(const ProductCall& call, const Block& block, std::int64_t in_begin, std::int64_t in_end) {
  const std::int64_t run = in_end - in_begin, taps = call.weight.taps;
  const bool split = call.in_block < call.weight.in, last = in_end == call.weight.in;
  // The first panel's steps, one line each, fetch the next tile's rows of a plain matrix: the processor, which cannot
  // guess six rows at once, made the product of 8192 x 320 with 320 x 320 wait for 5 % of its time.
  const bool ahead = taps == 1 && !split;
  const Tiling tiling(block.row_end - block.row_begin);
  for (std::int64_t tile = 0; tile < tiling.tiles; ++tile) {
    const std::int64_t first = tiling.begin(tile), height = tiling.begin(tile + 1) - first;
    const TileSides sides = sides_of(Number(), call, block, first, height, in_begin, in_end);
    // Unsplit sums need no more than one tile, which stays in the first-level cache.
    float* sums = block.sums + (split ? first * block.packed_width : 0);
    const float* packed = block.panels;
    for (std::int64_t c = block.channel_begin; c < block.channel_end;) {
      const Panel panel = panel_at(call, c, block.channel_end);
      const bool fetch = ahead && c == block.channel_begin;
      const MultiplyTile multiply = fetch ? multiply_tile_for<Number, true, true>(height, panel.vectors)
                                          : multiply_tile_for<Number, false, true>(height, panel.vectors);
      const std::int64_t stride = panel.vectors * kLanes;
      const auto add = [&](const TileRows& part, const float* columns, bool accumulate) {
        if (part.run == 0) return;
        const float* next = nullptr;
        if (fetch)
          next = Number::kGroup == 1 ? *part.rows + height * part.run
                                     : block.pixels[first] + height * call.source.channels;
        multiply(part, columns, sums, block.packed_width, accumulate, next);
      };
      add(sides.x, packed, in_begin > 0);
      add(sides.rest, packed + sides.x.run * stride, in_begin > 0 || sides.x.run > 0);
      if (last) finish_tile(call, panel, sums, block.packed_width, block.row_begin + first, height);
      packed += taps * packed_rows<Number>(run) * stride;
      sums += stride;
      c += panel.count;
    }
  }
}

template <class Number>
void run_task(const ProductCall& call, std::int64_t task, float* scratch) {
  const Block block = block_of(call, task, scratch);
  const Tiling tiling(block.row_end - block.row_begin);
  find_pixels(call.source, block.row_begin, tiling, block.pixels);
  if (call.source.rest) find_pixels(rest_of(call.source), block.row_begin, tiling, block.rest);
  for (std::int64_t in_begin = 0; in_begin < call.weight.in; in_begin += call.in_block) {
    const std::int64_t in_end = std::min(in_begin + call.in_block, call.weight.in);
    float* packed = block.panels;
    for_each_panel(call, block.channel_begin, block.channel_end, [&](const Panel& panel) {
      pack_panel<Number>(call, panel, in_begin, in_end, packed);
      packed += call.weight.taps * packed_rows<Number>(in_end - in_begin) * panel.vectors * kLanes;
    });
    multiply_block<Number>(call, block, in_begin, in_end);
  }
}

}  // namespace

void product(const ProductCall& call, std::int64_t task, float* scratch) { run_task<Floats>(call, task, scratch); }

#if HWY_TARGET == HWY_AVX3
void product_of_pairs(const ProductCall& call, std::int64_t task, float* scratch) {
  run_task<Bf16Pairs>(call, task, scratch);
}
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

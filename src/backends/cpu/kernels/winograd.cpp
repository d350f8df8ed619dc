// 3x3 convolution by Winograd's filtering: patches and weights transformed, multiplied position by position, and back.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/winograd.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>

#include "backends/cpu/kernels/epilogue-inl.h"
#include "backends/cpu/kernels/microkernel-inl.h"
#include "backends/cpu/kernels/pixel.h"
#include "backends/cpu/kernels/weights-inl.h"
#include "backends/cpu/kernels/winograd.h"
#include "backends/cpu/kernels/winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

template <class Filtering>
constexpr int kPatch = Filtering::kTile + 2;
template <class Filtering>
constexpr int kPatchPixels = kPatch<Filtering>* kPatch<Filtering>;

// The tile's place: its image, and the first pixel of its result.
struct TilePlace {
  std::int64_t image, y, x;
};
TilePlace place_of(const WinogradCall& call, std::int64_t tile) {
  return {tile / (call.tiles_x * call.tiles_y), tile / call.tiles_x % call.tiles_y * call.tile_side,
          tile % call.tiles_x * call.tile_side};
}

// One vector of channels of one patch: every value to its plane.
template <class Filtering>
HWY_INLINE void transform_patch(const float* const (&pixels)[kPatchPixels<Filtering>], std::int64_t channel,
                                std::int64_t left, float* to, std::int64_t plane) {
  constexpr int kSide = kPatch<Filtering>;
  V columns[kSide][kSide];  // [position in a column][column]
  SAFELIGHT_UNROLL
  for (int x = 0; x < kSide; ++x) {
    V d[kSide], out[kSide];
    SAFELIGHT_UNROLL
    for (int y = 0; y < kSide; ++y) d[y] = load_some(pixels[y * kSide + x] + channel, left);
    Filtering::input(d, out);
    SAFELIGHT_UNROLL
    for (int y = 0; y < kSide; ++y) columns[y][x] = out[y];
  }
  SAFELIGHT_UNROLL
  for (int y = 0; y < kSide; ++y) {
    V out[kSide];
    Filtering::input(columns[y], out);
    SAFELIGHT_UNROLL
    for (int x = 0; x < kSide; ++x) hn::Store(out[x], D(), to + (y * kSide + x) * plane);
  }
}

// The output channels of one block, and how wide they are packed.
struct Columns {
  std::int64_t first, count, padded;
};
Columns columns_of(const WinogradCall& call, std::int64_t block) {
  const std::int64_t first = block * kWinogradColumns,
                     count = std::min(kWinogradColumns, call.product.channels - first);
  return {first, count, round_up(count, kLanes)};
}

// One in-channel of one vector of columns: nine weights to one in each plane.
template <class Filtering>
HWY_INLINE void transform_kernel(const float* packed, std::int64_t tap_stride, float* to, std::int64_t plane) {
  constexpr int kSide = kPatch<Filtering>;
  V rows[kSide][3];
  SAFELIGHT_UNROLL
  for (int x = 0; x < 3; ++x) {
    V g[3], out[kSide];
    SAFELIGHT_UNROLL
    for (int y = 0; y < 3; ++y) g[y] = hn::Load(D(), packed + (y * 3 + x) * tap_stride);
    Filtering::weights(g, out);
    SAFELIGHT_UNROLL
    for (int y = 0; y < kSide; ++y) rows[y][x] = out[y];
  }
  SAFELIGHT_UNROLL
  for (int y = 0; y < kSide; ++y) {
    V out[kSide];
    Filtering::weights(rows[y], out);
    SAFELIGHT_UNROLL
    for (int x = 0; x < kSide; ++x) hn::Store(out[x], D(), to + (y * kSide + x) * plane);
  }
}

// In-channels [in_begin, in_begin + run) of one block: to[position][panel][channel][column].
template <class Filtering>
void transform_block(const WinogradCall& call, const Columns& columns, std::int64_t in_begin, std::int64_t run,
                     float* to, float* packed) {
  for (std::int64_t column = 0; column < columns.padded; column += kLanes) {
    const std::int64_t panel = column / kPanel * kPanel;  // the panel's first column
    const std::int64_t stride = std::min<std::int64_t>(kPanel, columns.padded - panel);
    for (std::int64_t i = 0; i < run; i += kPackedChannels) {
      const std::int64_t channels = std::min(kPackedChannels, run - i);
      pack_columns_of(call.product.weight,
                      {columns.first + column, std::min<std::int64_t>(kLanes, columns.count - column)}, in_begin + i,
                      in_begin + i + channels, packed, kLanes);
      for (std::int64_t c = 0; c < channels; ++c)
        transform_kernel<Filtering>(packed + c * kLanes, channels * kLanes,
                                    to + panel * run + (i + c) * stride + column - panel, call.weight_plane());
    }
  }
}

// sums[position][tile][column] (+)= inputs * weights for one block of in-channels.
void multiply_positions(const WinogradCall& call, std::int64_t tile_begin, std::int64_t tiles, std::int64_t in_index,
                        const Columns& columns, const float* weights, float* sums, const float** pointers) {
  const std::int64_t run = std::min(call.in_block, call.product.weight.in - in_index * call.in_block);
  const Tiling tiling(tiles);
  const int positions = call.positions();
  for (int p = 0; p < positions; ++p, weights += call.weight_plane(), sums += call.sum_plane()) {
    const float* inputs = call.inputs + p * call.input_plane() + (in_index * call.tiles + tile_begin) * call.in_block;
    for (std::int64_t t = 0; t < tiles; ++t) pointers[t] = inputs + t * call.in_block;
    const std::int64_t next = p + 1 < positions ? 1 : 0;
    Ahead ahead;
    ahead.add(inputs + next * call.input_plane(), tiles * call.in_block);
    ahead.add(sums + next * call.sum_plane(), in_index > 0 ? tiles * columns.padded : 0);
    ahead.add(weights + next * call.weight_plane(), call.weights ? run * columns.padded : 0);
    for (std::int64_t i = 0; i < tiling.tiles; ++i) {
      const std::int64_t first = tiling.begin(i), height = tiling.begin(i + 1) - first;
      for (std::int64_t panel = 0; panel < columns.padded; panel += kPanel)
        multiply_tile_for<Floats, true, false>(height, std::min<std::int64_t>(kPanel, columns.padded - panel) / kLanes)(
            {pointers + first, 1, 0, run}, weights + panel * run, sums + first * columns.padded + panel, columns.padded,
            in_index > 0, ahead.take(run));
    }
  }
}

// The sums of one tile back to its pixels, of which those inside the picture are finished and stored.
template <class Filtering>
void finish_winograd_tile(const WinogradCall& call, std::int64_t tile, const float* sums, const Columns& columns,
                          const RowFinisher& finish) {
  constexpr int kTile = Filtering::kTile, kSide = kPatch<Filtering>;
  alignas(64) float pixels[kTile * kTile * kWinogradColumns];
  const std::int64_t plane = call.sum_plane();
  for (std::int64_t c = 0; c < columns.padded; c += kLanes) {
    V half[kTile][kSide];
    SAFELIGHT_UNROLL
    for (int x = 0; x < kSide; ++x) {
      V m[kSide], out[kTile];
      SAFELIGHT_UNROLL
      for (int y = 0; y < kSide; ++y) m[y] = hn::Load(D(), sums + (y * kSide + x) * plane + c);
      Filtering::output(m, out);
      SAFELIGHT_UNROLL
      for (int y = 0; y < kTile; ++y) half[y][x] = out[y];
    }
    SAFELIGHT_UNROLL
    for (int y = 0; y < kTile; ++y) {
      V out[kTile];
      Filtering::output(half[y], out);
      SAFELIGHT_UNROLL
      for (int x = 0; x < kTile; ++x) hn::Store(out[x], D(), pixels + (y * kTile + x) * kWinogradColumns + c);
    }
  }
  const PixelSource& s = call.product.source;
  const TilePlace place = place_of(call, tile);
  for (std::int64_t y = 0; y < std::min<std::int64_t>(kTile, s.out_height - place.y); ++y)
    for (std::int64_t x = 0; x < std::min<std::int64_t>(kTile, s.out_width - place.x); ++x)
      finish(pixels + (y * kTile + x) * kWinogradColumns,
             (place.image * s.out_height + place.y + y) * s.out_width + place.x + x, columns.first, columns.count);
}

template <class Filtering>
void transform_inputs(const WinogradCall& call, std::int64_t task) {
  constexpr int kSide = kPatch<Filtering>;
  const PixelSource& source = call.product.source;
  const std::int64_t begin = task * WinogradCall::kTransformTiles;
  for (std::int64_t t = begin; t < std::min(begin + WinogradCall::kTransformTiles, call.tiles); ++t) {
    const TilePlace place = place_of(call, call.first_tile + t);
    const float* pixels[kPatchPixels<Filtering>];
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) pixels[y * kSide + x] = pixel(source, place.image, place.y + y, place.x + x);
    for (std::int64_t c = 0; c < source.channels; c += kLanes)
      transform_patch<Filtering>(pixels, c, source.channels - c,
                                 call.inputs + (c / call.in_block * call.tiles + t) * call.in_block + c % call.in_block,
                                 call.input_plane());
  }
}

template <class Filtering>
void multiply_tiles(const WinogradCall& call, std::int64_t task, float* scratch) {
  const WinogradScratch layout = winograd_scratch(call);
  const auto pointers = reinterpret_cast<const float**>(scratch);
  float *sums = scratch + layout.sums_at, *own_weights = scratch + layout.weights_at;
  const std::int64_t block = task % call.column_blocks(), begin = task / call.column_blocks() * call.tile_block;
  const std::int64_t tiles = std::min(call.tile_block, call.tiles - begin);
  const Columns columns = columns_of(call, block);
  for (std::int64_t i = 0; i < call.in_blocks(); ++i) {
    const std::int64_t in_begin = i * call.in_block;
    const float* weights = call.weights ? call.weights + block * call.weight_block() : own_weights;
    if (!call.weights)
      transform_block<Filtering>(call, columns, in_begin, std::min(call.in_block, call.product.weight.in - in_begin),
                                 own_weights, scratch + layout.packed_at);
    multiply_positions(call, begin, tiles, i, columns, weights, sums, pointers);
  }
  const RowFinisher finish(call.product);
  for (std::int64_t t = 0; t < tiles; ++t)
    finish_winograd_tile<Filtering>(call, call.first_tile + begin + t, sums + t * columns.padded, columns, finish);
}

// work(filtering) for the one that the call's tiles belong to.
template <class Work>
HWY_INLINE void with_filtering(const WinogradCall& call, Work&& work) {
  if (call.tile_side == TwoByTwo::kTile)
    work(TwoByTwo());
  else
    work(FourByFour());
}

}  // namespace

void winograd_inputs(const WinogradCall& call, std::int64_t task) {
  with_filtering(call, [&]<class Filtering>(Filtering) { transform_inputs<Filtering>(call, task); });
}

void winograd_weights(const WinogradCall& call, std::int64_t block) {
  alignas(64) float packed[9 * kPackedChannels * kLanes];
  with_filtering(call, [&]<class Filtering>(Filtering) {
    transform_block<Filtering>(call, columns_of(call, block), 0, call.product.weight.in,
                               call.weights + block * call.weight_block(), packed);
  });
}

void winograd_multiply(const WinogradCall& call, std::int64_t task, float* scratch) {
  with_filtering(call, [&]<class Filtering>(Filtering) { multiply_tiles<Filtering>(call, task, scratch); });
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

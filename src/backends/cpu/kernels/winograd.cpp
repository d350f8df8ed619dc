// The transforms of F(4x4, 3x3) and the 36 products between them. The points are 0, +-5/8, +-3/2 and infinity: with the
// usual 0, +-1, +-2 the error is 2.5 times as large at 1280 channels, 4 times at its worst element.
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

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

constexpr float kA = 0.625f, kB = 1.5f;  // the points
constexpr float kA2 = kA * kA, kB2 = kB * kB;

// Six samples in a row of the input.
HWY_INLINE void transform_input(const V (&d)[6], V (&out)[6]) {
  const V even_a = hn::NegMulAdd(splat(kB2), d[2], d[4]), odd_a = hn::NegMulAdd(splat(kB2), d[1], d[3]);
  const V even_b = hn::NegMulAdd(splat(kA2), d[2], d[4]), odd_b = hn::NegMulAdd(splat(kA2), d[1], d[3]);
  out[0] = hn::MulAdd(splat(kA2 * kB2), d[0], hn::NegMulAdd(splat(kA2 + kB2), d[2], d[4]));
  out[1] = hn::MulAdd(splat(kA), odd_a, even_a);
  out[2] = hn::NegMulAdd(splat(kA), odd_a, even_a);
  out[3] = hn::MulAdd(splat(kB), odd_b, even_b);
  out[4] = hn::NegMulAdd(splat(kB), odd_b, even_b);
  out[5] = hn::MulAdd(splat(kA2 * kB2), d[1], hn::NegMulAdd(splat(kA2 + kB2), d[3], d[5]));
}

// Three weights in a row of the kernel.
HWY_INLINE void transform_weights(const V (&g)[3], V (&out)[6]) {
  constexpr float kForA = 1 / (2 * kA2 * (kA2 - kB2)), kForB = 1 / (2 * kB2 * (kB2 - kA2));
  const V even_a = hn::MulAdd(splat(kA2 * kForA), g[2], hn::Mul(splat(kForA), g[0]));
  const V even_b = hn::MulAdd(splat(kB2 * kForB), g[2], hn::Mul(splat(kForB), g[0]));
  out[0] = hn::Mul(splat(1 / (kA2 * kB2)), g[0]);
  out[1] = hn::MulAdd(splat(kA * kForA), g[1], even_a);
  out[2] = hn::NegMulAdd(splat(kA * kForA), g[1], even_a);
  out[3] = hn::MulAdd(splat(kB * kForB), g[1], even_b);
  out[4] = hn::NegMulAdd(splat(kB * kForB), g[1], even_b);
  out[5] = g[2];
}

// Six products back to four results in a row.
HWY_INLINE void transform_output(const V (&m)[6], V (&out)[4]) {
  const V sum_a = hn::Add(m[1], m[2]), difference_a = hn::Sub(m[1], m[2]);
  const V sum_b = hn::Add(m[3], m[4]), difference_b = hn::Sub(m[3], m[4]);
  out[0] = hn::Add(m[0], hn::Add(sum_a, sum_b));
  out[1] = hn::MulAdd(splat(kA), difference_a, hn::Mul(splat(kB), difference_b));
  out[2] = hn::MulAdd(splat(kA2), sum_a, hn::Mul(splat(kB2), sum_b));
  out[3] = hn::MulAdd(splat(kA2 * kA), difference_a, hn::MulAdd(splat(kB2 * kB), difference_b, m[5]));
}

// The tile's place: its image, and the first pixel of its result.
struct TilePlace {
  std::int64_t image, y, x;
};
TilePlace place_of(const WinogradCall& call, std::int64_t tile) {
  return {tile / (call.tiles_x * call.tiles_y), tile / call.tiles_x % call.tiles_y * kTileSide,
          tile % call.tiles_x * kTileSide};
}

// One vector of channels of one patch: 36 values, each to its plane.
HWY_INLINE void transform_patch(const float* const (&pixels)[kPositions], std::int64_t channel, std::int64_t left,
                                float* to, std::int64_t plane) {
  V columns[6][6];  // [position in a column][column]
  SAFELIGHT_UNROLL
  for (int x = 0; x < 6; ++x) {
    V d[6], out[6];
    SAFELIGHT_UNROLL
    for (int y = 0; y < 6; ++y) d[y] = load_some(pixels[y * 6 + x] + channel, left);
    transform_input(d, out);
    SAFELIGHT_UNROLL
    for (int y = 0; y < 6; ++y) columns[y][x] = out[y];
  }
  SAFELIGHT_UNROLL
  for (int y = 0; y < 6; ++y) {
    V out[6];
    transform_input(columns[y], out);
    SAFELIGHT_UNROLL
    for (int x = 0; x < 6; ++x) hn::Store(out[x], D(), to + (y * 6 + x) * plane);
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

// One in-channel of one vector of columns: nine weights to 36, one in each plane.
HWY_INLINE void transform_kernel(const float* packed, std::int64_t tap_stride, float* to, std::int64_t plane) {
  V rows[6][3];
  SAFELIGHT_UNROLL
  for (int x = 0; x < 3; ++x) {
    V g[3], out[6];
    SAFELIGHT_UNROLL
    for (int y = 0; y < 3; ++y) g[y] = hn::Load(D(), packed + (y * 3 + x) * tap_stride);
    transform_weights(g, out);
    SAFELIGHT_UNROLL
    for (int y = 0; y < 6; ++y) rows[y][x] = out[y];
  }
  SAFELIGHT_UNROLL
  for (int y = 0; y < 6; ++y) {
    V out[6];
    transform_weights(rows[y], out);
    SAFELIGHT_UNROLL
    for (int x = 0; x < 6; ++x) hn::Store(out[x], D(), to + (y * 6 + x) * plane);
  }
}

// In-channels [in_begin, in_begin + run) of one block: to[position][panel][channel][column].
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
        transform_kernel(packed + c * kLanes, channels * kLanes, to + panel * run + (i + c) * stride + column - panel,
                         call.weight_plane());
    }
  }
}

// What the next position will read, handed out in pieces to be fetched ahead: on the machine where this was measured
// the products ran at 214 instead of 174 GFLOP/s. Beyond the end it starts again, which costs nothing.
class Ahead {
 public:
  void add(const float* from, std::int64_t floats) {
    if (floats > 0) regions_[count_++] = {from, floats / kLineFloats};
  }

  // The next `lines` lines.
  const float* take(std::int64_t lines) {
    const float* from = regions_[region_].from + at_ * kLineFloats;
    at_ += lines;
    if (at_ >= regions_[region_].lines) at_ = 0, region_ = (region_ + 1) % count_;
    return from;
  }

 private:
  struct Region {
    const float* from;
    std::int64_t lines;
  };
  Region regions_[3] = {};
  int count_ = 0, region_ = 0;
  std::int64_t at_ = 0;
};

// sums[position][tile][column] (+)= inputs * weights for one block of in-channels.
void multiply_positions(const WinogradCall& call, std::int64_t tile_begin, std::int64_t tiles, std::int64_t in_index,
                        const Columns& columns, const float* weights, float* sums, const float** pointers) {
  const std::int64_t run = std::min(call.in_block, call.product.weight.in - in_index * call.in_block);
  const Tiling tiling(tiles);
  for (int p = 0; p < kPositions; ++p, weights += call.weight_plane(), sums += call.sum_plane()) {
    const float* inputs = call.inputs + p * call.input_plane() + (in_index * call.tiles + tile_begin) * call.in_block;
    for (std::int64_t t = 0; t < tiles; ++t) pointers[t] = inputs + t * call.in_block;
    const std::int64_t next = p + 1 < kPositions ? 1 : 0;
    Ahead ahead;
    ahead.add(inputs + next * call.input_plane(), tiles * call.in_block);
    ahead.add(sums + next * call.sum_plane(), in_index > 0 ? tiles * columns.padded : 0);
    ahead.add(weights + next * call.weight_plane(), call.weights ? run * columns.padded : 0);
    for (std::int64_t i = 0; i < tiling.tiles; ++i) {
      const std::int64_t first = tiling.begin(i), height = tiling.begin(i + 1) - first;
      for (std::int64_t panel = 0; panel < columns.padded; panel += kPanel)
        multiply_tile_for<true>(height, std::min<std::int64_t>(kPanel, columns.padded - panel) / kLanes)(
            {pointers + first, 1, 0, run}, weights + panel * run, sums + first * columns.padded + panel, columns.padded,
            in_index > 0, ahead.take(run));
    }
  }
}

// The sums of one tile back to its 16 pixels, of which those inside the picture are finished and stored.
void finish_winograd_tile(const WinogradCall& call, std::int64_t tile, const float* sums, const Columns& columns,
                          const RowFinisher& finish) {
  alignas(64) float pixels[kTileSide * kTileSide * kWinogradColumns];
  const std::int64_t plane = call.sum_plane();
  for (std::int64_t c = 0; c < columns.padded; c += kLanes) {
    V half[4][6];
    SAFELIGHT_UNROLL
    for (int x = 0; x < 6; ++x) {
      V m[6], out[4];
      SAFELIGHT_UNROLL
      for (int y = 0; y < 6; ++y) m[y] = hn::Load(D(), sums + (y * 6 + x) * plane + c);
      transform_output(m, out);
      SAFELIGHT_UNROLL
      for (int y = 0; y < 4; ++y) half[y][x] = out[y];
    }
    SAFELIGHT_UNROLL
    for (int y = 0; y < 4; ++y) {
      V out[4];
      transform_output(half[y], out);
      SAFELIGHT_UNROLL
      for (int x = 0; x < 4; ++x) hn::Store(out[x], D(), pixels + (y * 4 + x) * kWinogradColumns + c);
    }
  }
  const PixelSource& s = call.product.source;
  const TilePlace place = place_of(call, tile);
  for (std::int64_t y = 0; y < std::min<std::int64_t>(kTileSide, s.out_height - place.y); ++y)
    for (std::int64_t x = 0; x < std::min<std::int64_t>(kTileSide, s.out_width - place.x); ++x)
      finish(pixels + (y * kTileSide + x) * kWinogradColumns,
             (place.image * s.out_height + place.y + y) * s.out_width + place.x + x, columns.first, columns.count);
}

}  // namespace

void winograd_inputs(const WinogradCall& call, std::int64_t task) {
  const PixelSource& source = call.product.source;
  const std::int64_t begin = task * WinogradCall::kTransformTiles;
  for (std::int64_t t = begin; t < std::min(begin + WinogradCall::kTransformTiles, call.tiles); ++t) {
    const TilePlace place = place_of(call, call.first_tile + t);
    const float* pixels[kPositions];
    for (int y = 0; y < 6; ++y)
      for (int x = 0; x < 6; ++x) pixels[y * 6 + x] = pixel(source, place.image, place.y + y, place.x + x);
    for (std::int64_t c = 0; c < source.channels; c += kLanes)
      transform_patch(pixels, c, source.channels - c,
                      call.inputs + (c / call.in_block * call.tiles + t) * call.in_block + c % call.in_block,
                      call.input_plane());
  }
}

void winograd_weights(const WinogradCall& call, std::int64_t block) {
  alignas(64) float packed[9 * kPackedChannels * kLanes];
  transform_block(call, columns_of(call, block), 0, call.product.weight.in,
                  call.weights + block * kPositions * call.weight_plane(), packed);
}

void winograd_multiply(const WinogradCall& call, std::int64_t task, float* scratch) {
  const WinogradScratch layout = winograd_scratch(call);
  const auto pointers = reinterpret_cast<const float**>(scratch);
  float *sums = scratch + layout.sums_at, *own_weights = scratch + layout.weights_at;
  const std::int64_t block = task % call.column_blocks(), begin = task / call.column_blocks() * call.tile_block;
  const std::int64_t tiles = std::min(call.tile_block, call.tiles - begin);
  const Columns columns = columns_of(call, block);
  for (std::int64_t i = 0; i < call.in_blocks(); ++i) {
    const std::int64_t in_begin = i * call.in_block;
    const float* weights = call.weights ? call.weights + block * kPositions * call.weight_plane() : own_weights;
    if (!call.weights)
      transform_block(call, columns, in_begin, std::min(call.in_block, call.product.weight.in - in_begin), own_weights,
                      scratch + layout.packed_at);
    multiply_positions(call, begin, tiles, i, columns, weights, sums, pointers);
  }
  const RowFinisher finish(call.product);
  for (std::int64_t t = 0; t < tiles; ++t)
    finish_winograd_tile(call, call.first_tile + begin + t, sums + t * columns.padded, columns, finish);
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

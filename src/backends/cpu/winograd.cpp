#include "backends/cpu/winograd.h"

#include <algorithm>
#include <array>
#include <optional>

#include "backends/cpu/kernels/winograd.h"
#include "backends/cpu/normed_lines.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {
namespace {

// Transforming a channel pair's weights costs as much as some 8 tiles' products, an input channel as much as the
// products with 10 outputs. The tiles of one image decide, so that an image has the same bits in any batch; a call of
// the UNet has two or more of them.
constexpr std::int64_t kFewestTiles = 4, kFewestChannels = 32;
// In the order of preference. At the picture's edges tiles reach beyond it; a filtering must not take more than so many
// products for a pixel of the result, of which the direct convolution takes 9. F(2x2) saves less, and its transforms
// cost less.
struct Filtering {
  int tile_side;
  std::int64_t products;  // of a tile
  std::int64_t twice_most;
};
constexpr Filtering kFilterings[] = {{4, 36, 9}, {2, 16, 12}};

// Transformed weights that are made once a call and read by every task; above, each task makes its own.
constexpr std::int64_t kSharedWeightFloats = std::int64_t{12} << 20;
// Transformed inputs of a group, for each thread: they should stay in the caches until they are multiplied. With four
// times as many a convolution of 512 x 512 x 128 took 15 % longer, because a server's last level is not ours alone.
constexpr std::int64_t kGroupFloats = std::int64_t{512} << 10;
// The block's sums (36 x 128 x 64 at most) and a task's own weights (36 x 64 x 64) share the second-level cache.
constexpr std::int64_t kTileBlock = 128, kOwnWeightChannels = 64;
// Blocks are not made smaller than this to share them evenly.
constexpr std::int64_t kFewestSharedTiles = 32;

// Ways to cut a convolution: tiles of a multiplication. That changes no sum. See planner.cpp's kVersion when they
// change themselves.
constexpr std::array<std::int64_t, 3> kWays{kTileBlock, 64, 256};
// Below these products of pixels and channels a call is over too soon to tell one way from another.
constexpr std::int64_t kWorthPlanning = 4'000'000;

std::int64_t tiles_of_image(const ProductCall& call, int tile_side) {
  const PixelSource& s = call.source;
  return divide_up(s.out_height, tile_side) * divide_up(s.out_width, tile_side);
}

std::int64_t tiles_of(const ProductCall& call, int tile_side) {
  const PixelSource& s = call.source;
  return call.rows / (s.out_height * s.out_width) * tiles_of_image(call, tile_side);
}

// Whether a tenth or more of the threads' time would go into waiting for the last of equal tasks.
bool is_uneven(std::int64_t tasks, int threads) {
  const std::int64_t all = round_up(tasks, threads);
  return 10 * (all - tasks) >= all;
}

// Lines of x, counted through all images, that the group's tiles see.
struct Lines {
  std::int64_t first, end;
};
Lines lines_seen(const WinogradCall& call) {
  const PixelSource& source = call.product.source;
  const auto line = [&](std::int64_t tile, std::int64_t of_patch) {
    const std::int64_t image = tile / (call.tiles_x * call.tiles_y), row = tile / call.tiles_x % call.tiles_y,
                       y = row * call.tile_side + of_patch - source.top;
    return image * source.height + std::clamp<std::int64_t>(y, 0, source.height - 1);
  };
  return {line(call.first_tile, 0), line(call.first_tile + call.tiles - 1, call.tile_side + 1) + 1};
}

// Of any group.
std::int64_t most_lines_seen(WinogradCall call, std::int64_t all_tiles, std::int64_t group) {
  std::int64_t most = 0;
  for (call.first_tile = 0; call.first_tile < all_tiles; call.first_tile += group) {
    call.tiles = std::min(group, all_tiles - call.first_tile);
    const Lines lines = lines_seen(call);
    most = std::max(most, lines.end - lines.first);
  }
  return most;
}

void convolve(Engine& engine, const ProductCall& product, int tile_side, std::int64_t tile_block) {
  const Kernels& kernels = engine.kernels;
  const std::int64_t all_tiles = tiles_of(product, tile_side), in = product.weight.in;
  WinogradCall call{.product = product,
                    .tile_side = tile_side,
                    .tiles_x = divide_up(product.source.out_width, tile_side),
                    .tiles_y = divide_up(product.source.out_height, tile_side)};
  const std::int64_t positions = call.positions();
  const bool shared = all_tiles >= 2 * kTileBlock && positions * in * product.channels <= kSharedWeightFloats;
  call.in_block = shared ? round_up(in, 16) : std::min(round_up(in, 16), kOwnWeightChannels);
  call.tile_block = std::min(tile_block, all_tiles);
  const std::int64_t fitting = engine.threads() * kGroupFloats / (positions * round_up(in, 16));
  const std::int64_t group = std::max(call.tile_block, fitting / call.tile_block * call.tile_block);
  call.tiles = std::min(group, all_tiles);
  // With 320 outputs, five blocks of them, two threads waited for a sixth of the time.
  while (shared && is_uneven(call.multiply_tasks(), engine.threads()) && call.tile_block >= 2 * kFewestSharedTiles)
    call.tile_block = divide_up(call.tile_block, 2);

  std::optional<NormedLines> normed;
  if (product.source.norm.coefficients) {
    normed.emplace(engine, product.source, most_lines_seen(call, all_tiles, group));
    call.product.source = normed->source();
  }
  Tensor inputs = engine.empty({call.input_floats()}), weights;
  call.inputs = inputs.mutable_floats().data();
  if (shared) {
    weights = engine.empty({call.weight_floats()});
    call.weights = weights.mutable_floats().data();
    engine.for_each(call.column_blocks(), [&](std::int64_t block) { kernels.winograd_weights(call, block); });
  }
  for (call.first_tile = 0; call.first_tile < all_tiles; call.first_tile += group) {
    call.tiles = std::min(group, all_tiles - call.first_tile);
    if (normed) normed->make(lines_seen(call).first, lines_seen(call).end);
    engine.for_each(call.input_tasks(), [&](std::int64_t task) { kernels.winograd_inputs(call, task); });
    engine.for_each_with_scratch(
        call.multiply_tasks(), winograd_scratch(call).total,
        [&](std::int64_t task, float* scratch) { kernels.winograd_multiply(call, task, scratch); });
  }
}

}  // namespace

int winograd_tile_side(const Conv2dSpec& spec, const ProductCall& call) {
  if (spec.kernel != 3 || spec.stride != 1 || spec.in < kFewestChannels || spec.out < kFewestChannels) return 0;
  for (const Filtering& filtering : kFilterings) {
    const std::int64_t tiles = tiles_of(call, filtering.tile_side);
    if (tiles_of_image(call, filtering.tile_side) >= kFewestTiles &&
        2 * tiles * filtering.products <= filtering.twice_most * call.rows)
      return filtering.tile_side;
  }
  return 0;
}

void run_winograd(Engine& engine, const ProductCall& call, int tile_side) {
  const StoredWeight& w = call.weight;
  const PlanKey key{"winograd",
                    {tiles_of(call, tile_side), w.out, w.in, tile_side, static_cast<int>(w.type),
                     call.source.norm.coefficients != nullptr}};
  const bool plans = call.rows * w.out * w.in >= kWorthPlanning;
  engine.choose_way(key, plans ? static_cast<int>(kWays.size()) : 1,
                    [&](int way) { convolve(engine, call, tile_side, kWays[static_cast<std::size_t>(way)]); });
}

}  // namespace safelight::cpu

#include "backends/cpu/product.h"

#include <algorithm>

#include "backends/cpu/kernels/product.h"
#include "backends/cpu/rounding.h"
#include "backends/cpu/split_product.h"
#include "backends/cpu/ways.h"

namespace safelight::cpu {
namespace {

// In-channels times taps that one pass multiplies: a panel of 64 columns is then 320 KiB.
constexpr std::int64_t kDepth = 1280;
// Floats of packed weights that share the second-level cache (1 MiB on the machine this was measured on, 2 or more on
// later ones) with as many of sums.
constexpr std::int64_t kPackedFloats = 96 * 1024, kSumFloats = 64 * 1024;
// Packing one weight costs as much as multiplying it with some 12 rows, so blocks have many rows; more than this gains
// nothing.
constexpr std::int64_t kMostRows = 1024, kFewestRows = 384;
// Multiply-adds of one task, at most, where the rows allow: 1 to 2 ms of one core.
constexpr std::int64_t kTaskWork = 100'000'000;

// With fewer tasks threads would wait for the last one, unless all have as much to do and equally many tasks; with
// fewer rows they would all do little else than pack.
constexpr std::int64_t kTasksPerThread = 3, kEvenTasksPerThread = 2, kFewestSharedRows = 64;

// Shares the channels, all rows in one block, evenly among threads: in blocks not larger than those there are, and of a
// panel at least. Returns whether that makes tasks enough. (Blocks of rows would pack the weights once each.)
bool share_channels(ProductCall& call, const Kernels& kernels, std::int64_t panel, int threads) {
  const std::int64_t blocks = round_up(call.channel_blocks(), threads);
  if (call.row_blocks() > 1 || blocks < kEvenTasksPerThread * threads || call.channels < blocks * panel) return false;
  call.channel_block = round_up(divide_up(call.channels, blocks), kernels.lanes);
  return true;
}

void choose_blocks(ProductCall& call, const Kernels& kernels, int threads, Way way) {
  const std::int64_t taps = call.weight.taps, in = call.weight.in;
  const std::int64_t in_a_float = call.rounded ? 2 : 1;
  const std::int64_t passes = divide_up(in * taps, kDepth * in_a_float);
  call.in_block = std::min(in, round_up(divide_up(in, passes), call.rounded ? kSplitChannels : 16));
  const std::int64_t panel = call.tail.geglu ? kernels.panel / 2 : kernels.panel;
  const std::int64_t fitting =
      std::max<std::int64_t>(1, kPackedFloats * in_a_float / (call.in_block * taps * kernels.panel));
  std::int64_t panels = std::min(fitting, divide_up(call.channels, panel));
  call.row_block = std::min(call.rows, kMostRows);
  if (call.in_block < in)
    call.row_block = std::min(call.row_block, std::max(kFewestRows, kSumFloats / (panels * kernels.panel)));
  const auto work = [&] { return call.row_block * in * taps * panels * kernels.panel / in_a_float; };
  while (work() > kTaskWork && call.row_block >= 2 * kFewestRows) call.row_block = divide_up(call.row_block, 2);
  while (work() > kTaskWork && panels > 1) panels = divide_up(panels, 2);
  call.channel_block = panels * panel;
  const std::int64_t wanted = threads > 1 ? kTasksPerThread * threads : 1;
  if (call.tasks() < wanted && !share_channels(call, kernels, panel, threads))
    while (call.tasks() < wanted && call.row_block >= 2 * kFewestSharedRows)
      call.row_block = divide_up(call.row_block, 2);
  call.row_block = divide_up(call.rows, divide_up(call.rows, scaled(call.row_block, way.rows)));
  call.channel_block = std::max(panel, round_up(scaled(call.channel_block, way.channels), kernels.lanes));
}

}  // namespace

Tensor as_stored(const Tensor& weight) {
  switch (weight.dtype()) {
    case DType::F32:
    case DType::F16:
    case DType::BF16:
    case DType::F8_E4M3:
    case DType::F8_E5M2:
    case DType::I8:
      return weight;
    default:
      return to_f32(weight);
  }
}

Weight as_stored(const Weight& weight) { return {as_stored(weight.values), weight.scales}; }

Tensor as_floats(const Tensor& bias) { return bias ? to_f32(bias) : Tensor(); }

Tail make_tail(const Epilogue& tail, const Tensor& scales, const Tensor& bias, const Tensor& y) {
  const std::int64_t channels = y.shape().back();
  return {.scales = scales ? scales.floats().data() : nullptr,
          .bias = bias ? bias.floats().data() : nullptr,
          .per_image = tail.per_image ? tail.per_image->floats().data() : nullptr,
          .residual = tail.residual ? tail.residual->floats().data() : nullptr,
          .activation = tail.activation,
          .streams = y.elements() >= kFarFloats && channels % 16 == 0,
          .rows_per_image = y.elements() > 0 ? y.elements() / (y.dim(0) * channels) : 0};
}

PixelSource rows_of(const Joined& x, std::int64_t rows) {
  return {.x = x.a.floats().data(),
          .zeros = nullptr,  // one tap, never outside
          .width = rows,
          .channels = x.a.shape().back(),
          .out_width = rows,
          .rest = x.b ? x.b->floats().data() : nullptr,
          .rest_channels = x.b ? x.b->shape().back() : 0};
}

void run_product(Engine& engine, ProductCall call) {
  if (call.rows == 0) return;
  if (takes_split_product(engine, call)) return run_split_product(engine, call);
  const StoredWeight& w = call.weight;
  call.rounded = call.rounded && w.taps == 1 && engine.kernels.product_of_pairs;
  const auto multiply = call.rounded ? engine.kernels.product_of_pairs : engine.kernels.product;
  const PlanKey key{call.rounded ? "pairs" : "product",
                    {call.rows, w.out, w.in, w.taps, call.source.stride, static_cast<int>(w.type)}};
  engine.choose_way(key, ways_for(call.rows * w.out * w.in * w.taps), [&](int way) {
    choose_blocks(call, engine.kernels, engine.threads(), kWays[static_cast<std::size_t>(way)]);
    engine.for_each_with_scratch(call.tasks(), product_scratch(call, engine.kernels.panel).total,
                                 [&](std::int64_t task, float* scratch) { multiply(call, task, scratch); });
  });
}

}  // namespace safelight::cpu

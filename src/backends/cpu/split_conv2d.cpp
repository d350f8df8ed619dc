#include "backends/cpu/split_conv2d.h"

#include <algorithm>
#include <array>

#include "backends/cpu/kernels/split_conv2d.h"
#include "backends/cpu/rounding.h"
#include "backends/cpu/ways.h"

namespace safelight::cpu {
namespace {

// With fewer, most of a tile would be empty.
constexpr std::int64_t kFewestChannels = 24, kFewestPixels = 12;
// Where Winograd's filtering is to be had, nine taps of weights with one part are faster by a third and more; of two
// parts where an image has few pixels, because the filtering must transform all weights for them; of three nowhere.
constexpr std::int64_t kFewPixels = 256;
// In-channels of one pass: nine taps of 64 outputs are then 360 KiB of F16 weights taken apart, which share the
// second-level cache with the inputs.
constexpr std::int64_t kDepth = 160;
// Pixels of a task: taking a weight apart costs as much as multiplying it with some 60, and rounding it, for fewer
// products, with twice as many.
constexpr std::int64_t kPixels = 512, kRoundedPixels = 1024, kColumns = 64;
constexpr std::int64_t kTasksPerThread = 2;

// Ways to cut a convolution: pixels of a task. That changes no sum. See planner.cpp's kVersion when they change
// themselves.
constexpr std::array<int, 3> kPowers{0, 1, -1};  // of two, times what is usual
// Below these products of pixels and channels a call is over too soon to tell one way from another.
constexpr std::int64_t kWorthPlanning = 4'000'000;

SplitConv2dCall cut(const Engine& engine, const ProductCall& product, std::int64_t pixels) {
  SplitConv2dCall call{.product = product};
  const std::int64_t in = product.weight.in, width = product.source.out_width;
  call.product.in_block = round_up(divide_up(in, divide_up(in, kDepth)), kSplitChannels);
  call.column_block = width <= kColumns ? width : round_up(divide_up(width, divide_up(width, kColumns)), kSplitRows);
  const std::int64_t line_blocks = divide_up(call.lines() * call.column_block, pixels);
  call.line_block = divide_up(call.lines(), line_blocks);
  call.product.channel_block = product.channels;
  const std::int64_t wanted = engine.threads() > 1 ? kTasksPerThread * engine.threads() : 1;
  if (call.tasks() < wanted)
    call.product.channel_block = std::max<std::int64_t>(
        engine.kernels.panel / 2, round_up(divide_up(product.channels, divide_up(wanted, call.tasks())), kSplitRows));
  return call;
}

}  // namespace

bool takes_split_conv2d(const Engine& engine, const ProductCall& call, bool filters) {
  if (!engine.kernels.split_conv2d || call.weight.taps == 1 || call.weight.taps > kMostTaps ||
      std::min(call.weight.in, call.weight.out) < kFewestChannels || call.tail.rows_per_image < kFewestPixels)
    return false;
  const int parts = split_parts(call).weights;
  return !filters || parts == 1 || (parts == 2 && call.tail.rows_per_image <= kFewPixels);
}

void run_split_conv2d(Engine& engine, const ProductCall& product) {
  const StoredWeight& w = product.weight;
  const PixelSource& s = product.source;
  const PlanKey key{"taps",
                    {product.rows, s.out_width, w.out, w.in, w.taps * s.stride, static_cast<int>(w.type),
                     product.rounded + 2 * (s.norm.coefficients != nullptr)}};
  const bool plans = product.rows * w.out * w.in >= kWorthPlanning;
  engine.choose_way(key, plans ? static_cast<int>(kPowers.size()) : 1, [&](int way) {
    const SplitConv2dCall call = cut(
        engine, product, scaled(product.rounded ? kRoundedPixels : kPixels, kPowers[static_cast<std::size_t>(way)]));
    engine.for_each_with_scratch(
        call.tasks(), split_conv2d_scratch(call, engine.kernels.panel).total,
        [&](std::int64_t task, float* scratch) { engine.kernels.split_conv2d(call, task, scratch); });
  });
}

}  // namespace safelight::cpu

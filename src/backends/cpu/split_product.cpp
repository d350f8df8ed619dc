#include "backends/cpu/split_product.h"

#include <algorithm>

#include "backends/cpu/kernels/split_product.h"
#include "backends/cpu/rounding.h"
#include "backends/cpu/ways.h"

namespace safelight::cpu {
namespace {

// With fewer rows of an image most of a tile would be empty.
constexpr std::int64_t kFewestRows = 12;
// In-channels of one pass, and bytes of weights taken apart, which share the second-level cache of 2 MiB.
constexpr std::int64_t kDepth = 1280, kWeightBytes = 1024 * 1024;
// Taking a weight apart costs as much as multiplying it with some 30 rows.
constexpr std::int64_t kMostRows = 1024, kFewestTaskRows = 256;
// Multiply-adds of one task, at most, where the rows allow: about 1 ms of one core.
constexpr std::int64_t kTaskWork = 250'000'000;
constexpr std::int64_t kTasksPerThread = 3, kFewestSharedRows = 64;

void choose_blocks(ProductCall& call, int threads, Way way) {
  const std::int64_t in = call.weight.in, channels = split_column_channels(call);
  call.in_block = round_up(divide_up(in, divide_up(in, kDepth)), kSplitChannels);
  const std::int64_t all_columns = divide_up(call.channels, channels),
                     column_bytes = call.in_block * weight_parts(call.weight.type) * 2 * kSplitColumns;
  std::int64_t columns =
      call.rows <= kFewSplitRows ? all_columns : std::clamp<std::int64_t>(kWeightBytes / column_bytes, 1, all_columns);
  std::int64_t rows = std::min(call.rows, kMostRows);
  while (rows * in * columns * kSplitColumns > kTaskWork && rows >= 2 * kFewestTaskRows) rows = divide_up(rows, 2);
  const auto tasks = [&] { return divide_up(call.rows, rows) * divide_up(all_columns, columns); };
  const std::int64_t wanted = threads > 1 ? kTasksPerThread * threads : 1;
  if (tasks() < wanted) columns = divide_up(all_columns, std::min(all_columns, wanted));
  while (tasks() < threads && rows >= 2 * kFewestSharedRows) rows = divide_up(rows, 2);
  call.row_block = round_up(std::min(call.rows, scaled(rows, way.rows)), kSplitRows);
  call.channel_block = std::min(all_columns, scaled(columns, way.channels)) * channels;
}

}  // namespace

bool takes_split_product(const Engine& engine, const ProductCall& call) {
  const PixelSource& s = call.source;
  const bool is_matrix = call.weight.taps == 1 && s.stride == 1 && !s.upsample && s.top == 0 && s.left == 0 &&
                         s.out_height == s.height && s.out_width == s.width;
  return engine.kernels.split_product && is_matrix && call.tail.rows_per_image >= kFewestRows;
}

void run_split_product(Engine& engine, ProductCall call) {
  const StoredWeight& w = call.weight;
  const PlanKey key{"split", {call.rows, w.out, w.in, static_cast<int>(w.type)}};
  engine.choose_way(key, ways_for(call.rows * w.out * w.in), [&](int way) {
    choose_blocks(call, engine.threads(), kWays[static_cast<std::size_t>(way)]);
    engine.for_each_with_scratch(call.tasks(), split_scratch(call).total, [&](std::int64_t task, float* scratch) {
      engine.kernels.split_product(call, task, scratch);
    });
  });
}

}  // namespace safelight::cpu

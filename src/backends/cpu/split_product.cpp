#include "backends/cpu/split_product.h"

#include <algorithm>
#include <array>

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

// Channels of y that a panel makes.
std::int64_t panel_channels(const Engine& engine, const ProductCall& call) {
  return call.tail.geglu ? engine.kernels.panel / 2 : engine.kernels.panel;
}

// Few rows are cut in one way.
constexpr std::array<Way, 3> kFewWays{{{0, 0}, {0, 1}, {0, -1}}};

// Rows of two groups, and the channels shared among threads.
void choose_blocks_of_few(ProductCall& call, const Engine& engine, Way way) {
  call.row_block = kTaskGroups * group_tiles(call) * kSplitRows;
  const std::int64_t wanted =
      engine.threads() > 1 ? divide_up(kTasksPerThread * engine.threads(), call.row_blocks()) : 1;
  const std::int64_t channels = scaled(divide_up(call.channels, wanted), way.channels);
  call.channel_block = std::max(panel_channels(engine, call), round_up(channels, engine.kernels.lanes));
}

void choose_blocks_of_many(ProductCall& call, const Engine& engine, Way way) {
  const std::int64_t in = call.weight.in, panel = panel_channels(engine, call), width = engine.kernels.panel,
                     all_panels = divide_up(call.channels, panel),
                     panel_bytes = call.in_block * split_parts(call).weights * 2 * width;
  std::int64_t panels = std::clamp<std::int64_t>(kWeightBytes / panel_bytes, 1, all_panels),
               rows = std::min(call.rows, kMostRows);
  while (rows * in * panels * width > kTaskWork && rows >= 2 * kFewestTaskRows) rows = divide_up(rows, 2);
  const auto tasks = [&] { return divide_up(call.rows, rows) * divide_up(all_panels, panels); };
  const std::int64_t wanted = engine.threads() > 1 ? kTasksPerThread * engine.threads() : 1;
  if (tasks() < wanted) panels = divide_up(all_panels, std::min(all_panels, wanted));
  while (tasks() < engine.threads() && rows >= 2 * kFewestSharedRows) rows = divide_up(rows, 2);
  call.row_block = round_up(std::min(call.rows, scaled(rows, way.rows)), kSplitRows);
  call.channel_block = std::min(all_panels, scaled(panels, way.channels)) * panel;
}

void choose_blocks(ProductCall& call, const Engine& engine, Way way) {
  const std::int64_t in = call.weight.in;
  call.in_block = round_up(divide_up(in, divide_up(in, kDepth)), kSplitChannels);
  has_few_rows(call) ? choose_blocks_of_few(call, engine, way) : choose_blocks_of_many(call, engine, way);
}

}  // namespace

bool takes_split_product(const Engine& engine, const ProductCall& call) {
  const PixelSource& s = call.source;
  const bool is_matrix = call.weight.taps == 1 && s.stride == 1 && !s.upsample && s.top == 0 && s.left == 0 &&
                         s.out_height == s.height && s.out_width == s.width;
  return engine.kernels.split_product.multiply && is_matrix && call.tail.rows_per_image >= kFewestRows;
}

void run_split_product(Engine& engine, ProductCall call) {
  const StoredWeight& w = call.weight;
  const SplitProductKernels& kernels = engine.kernels.split_product;
  Tensor split_x = engine.empty({split_inputs_floats(call)});
  call.split_x = split_x.mutable_floats().data();
  engine.for_each(split_prepare_tasks(call), [&](std::int64_t task) { kernels.prepare(call, task); });
  const bool few = has_few_rows(call);
  const PlanKey key{"split", {call.rows, w.out, w.in, static_cast<int>(w.type), few, call.tail.geglu, call.rounded}};
  const int ways = std::min(ways_for(call.rows * w.out * w.in), static_cast<int>(few ? kFewWays.size() : kWays.size()));
  engine.choose_way(key, ways, [&](int index) {
    const auto way = static_cast<std::size_t>(index);
    choose_blocks(call, engine, few ? kFewWays[way] : kWays[way]);
    engine.for_each_with_scratch(call.tasks(), split_scratch(call, engine.kernels.panel).total,
                                 [&](std::int64_t task, float* scratch) { kernels.multiply(call, task, scratch); });
  });
}

}  // namespace safelight::cpu

// Tensors are cut into blocks by their size alone. Two loops over the blocks of a batch: sums, then, once the extremes
// of each tensor are known, histograms.
#include "safelight/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/fail.h"
#include "core/thread_pool.h"
#include "tensor/decode.h"
#include "tensor/moment_kernels.h"

namespace safelight {
namespace {

constexpr std::int64_t kChunk = 1024;       // doubles that stay in the first-level cache between the passes over them
constexpr std::int64_t kBlock = 256 << 10;  // elements in a task: some tenths of a millisecond
constexpr std::size_t kBatch = 8 << 20;     // bytes that the second loop still finds in a cache
constexpr int kMostBins = kBinStride;

struct Block {
  std::size_t tensor = 0;
  std::int64_t first = 0, count = 0;  // elements
  Summary summary;
  std::int64_t nans = 0, infinities = 0;
  std::vector<std::uint32_t> bins;
};

// As of one set of values that is both. REQUIRES: not both are empty.
Summary combined(const Summary& a, const Summary& b) {
  if (a.count == 0) return b;
  if (b.count == 0) return a;
  const auto n = static_cast<double>(a.count + b.count);
  const double distance = b.mean - a.mean, share = static_cast<double>(b.count) / n;
  return {.count = a.count + b.count,
          .zeros = a.zeros + b.zeros,
          .min = std::min(a.min, b.min),
          .max = std::max(a.max, b.max),
          .mean = a.mean + distance * share,
          .squares = a.squares + b.squares + distance * distance * static_cast<double>(a.count) * share};
}

// Moves the finite values to the front and returns their number.
std::int64_t keep_finite(double* values, std::int64_t count) {
  return std::remove_if(values, values + count, [](double x) { return !std::isfinite(x); }) - values;
}

// Calls body(values, count) for the chunks of a block; the values may be changed.
template <class Body>
void for_each_chunk(const Tensor& t, const Block& block, Body&& body) {
  alignas(64) std::array<double, kChunk> values;
  const auto bytes = static_cast<std::size_t>(bits(t.dtype()) / 8);
  for (std::int64_t done = 0; done < block.count; done += kChunk) {
    const std::int64_t count = std::min(kChunk, block.count - done);
    decode(t.dtype(), t.data() + static_cast<std::size_t>(block.first + done) * bytes, count, values.data());
    body(values.data(), count);
  }
}

void summarise(const Tensor& t, Block& block) {
  const MomentKernels& kernels = moment_kernels();
  for_each_chunk(t, block, [&](double* values, std::int64_t count) {
    Summary chunk;
    if (!kernels.summarise(values, count, chunk)) {
      const std::int64_t nans = std::count_if(values, values + count, [](double x) { return std::isnan(x); });
      const std::int64_t finite = keep_finite(values, count);
      block.nans += nans;
      block.infinities += count - finite - nans;
      chunk = {};
      if (finite > 0) kernels.summarise(values, finite, chunk);
    }
    block.summary = combined(block.summary, chunk);
  });
}

Binning binning_of(const Statistics& s, int bins) {
  Binning binning{.low = s.min, .last = bins - 1};
  if (!std::isfinite(s.max - s.min)) binning.unit = 0.5;  // the range of doubles is twice what a double can hold
  const double range = s.max * binning.unit - s.min * binning.unit;
  if (range > 0) binning.scale = bins / range;
  if (!std::isfinite(binning.scale)) binning.scale = 0;  // a range of a few subnormals
  return binning;
}

void count_bins(const Tensor& t, const Statistics& s, int bins, Block& block) {
  const Binning binning = binning_of(s, bins);
  const bool all_finite = block.nans + block.infinities == 0;
  std::array<std::uint32_t, kBinTables * kBinStride> counts{};
  for_each_chunk(t, block, [&](double* values, std::int64_t count) {
    moment_kernels().count_bins(values, all_finite ? count : keep_finite(values, count), binning, counts.data());
  });
  block.bins.assign(counts.begin(), counts.begin() + bins);
  for (int table = 1; table < kBinTables; ++table)
    for (int b = 0; b < bins; ++b)
      block.bins[static_cast<std::size_t>(b)] += counts[static_cast<std::size_t>(table * kBinStride + b)];
}

void finish(const Summary& summary, Statistics& s) {
  if (summary.count == 0) return;
  s.zeros = summary.zeros;
  s.min = summary.min + 0.0;  // -0 becomes 0: which of the two is found first, depends on the processor
  s.max = summary.max + 0.0;
  s.mean = summary.mean;
  s.std = std::sqrt(summary.squares / static_cast<double>(summary.count));
}

void process(std::span<const Tensor> tensors, std::vector<Block>& blocks, int bins, ThreadPool& pool,
             std::vector<Statistics>& results) {
  const auto tasks = static_cast<std::int64_t>(blocks.size());
  pool.parallel_for(tasks, [&](std::int64_t task, int) {
    Block& block = blocks[static_cast<std::size_t>(task)];
    summarise(tensors[block.tensor], block);
  });
  for (std::size_t i = 0; i < blocks.size();) {
    const std::size_t tensor = blocks[i].tensor;
    Summary summary;
    for (; i < blocks.size() && blocks[i].tensor == tensor; ++i) {
      summary = combined(summary, blocks[i].summary);
      results[tensor].nans += blocks[i].nans;
      results[tensor].infinities += blocks[i].infinities;
    }
    finish(summary, results[tensor]);
  }
  pool.parallel_for(tasks, [&](std::int64_t task, int) {
    Block& block = blocks[static_cast<std::size_t>(task)];
    count_bins(tensors[block.tensor], results[block.tensor], bins, block);
  });
  for (const Block& block : blocks)
    for (std::size_t b = 0; b < block.bins.size(); ++b) results[block.tensor].histogram[b] += block.bins[b];
}

}  // namespace

std::vector<Statistics> statistics(std::span<const Tensor> tensors, const StatisticsOptions& options,
                                   const Context& context) {
  if (options.bins < 1 || options.bins > kMostBins)
    fail(ErrorCategory::usage, "[statistics] expected 1 to {} bins, found {}", kMostBins, options.bins);
  ThreadPool pool(context.threads, context.cancel);
  std::vector<Statistics> results(tensors.size());
  std::int64_t done = 0, total = 0;
  for (const Tensor& t : tensors) total += static_cast<std::int64_t>(t.bytes());

  std::vector<Block> blocks;
  std::size_t batch = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    results[i].elements = t.elements();
    results[i].numeric = has_numbers(t.dtype());
    done += static_cast<std::int64_t>(t.bytes());
    if (results[i].numeric) {
      results[i].histogram.resize(static_cast<std::size_t>(options.bins));
      for (std::int64_t first = 0; first < t.elements(); first += kBlock)
        blocks.push_back({.tensor = i, .first = first, .count = std::min(kBlock, t.elements() - first)});
      batch += t.bytes();
    }
    if (batch < kBatch && i + 1 < tensors.size()) continue;
    process(tensors, blocks, options.bins, pool, results);
    blocks.clear();
    batch = 0;
    context.report("statistics", done, total);
  }
  return results;
}

}  // namespace safelight

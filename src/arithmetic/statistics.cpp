// Two loops over the slices of a batch: sums, then, once the extremes of each tensor are known, histograms. Large
// tensors of small types need only one: how often each code occurs.
#include "safelight/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <mutex>

#include "arithmetic/code_counts.h"
#include "arithmetic/source.h"
#include "arithmetic/summary.h"
#include "core/fail.h"
#include "core/thread_pool.h"
#include "tensor/decode.h"
#include "tensor/moment_kernels.h"

namespace safelight {
namespace {

// A thread's tables of codes are filled and emptied in about the time of so many elements; a code occurs at most 2^32 -
// 1 times.
constexpr std::int64_t kFewestForCodes = 1 << 18, kMostForCodes = std::int64_t{1} << 32;

// What is known of one slice.
struct Part {
  Summary summary;
  std::int64_t nans = 0, infinities = 0;
  std::vector<std::uint32_t> bins;
};

// Moves the finite values to the front and returns their number.
std::int64_t keep_finite(double* values, std::int64_t count) {
  return std::remove_if(values, values + count, [](double x) { return !std::isfinite(x); }) - values;
}

class Calculation {
 public:
  Calculation(std::span<const Source> sources, int bins, const Context& context)
      : sources_(sources),
        pool_(context.threads, context.cancel),
        scratch_(static_cast<std::size_t>(pool_.size())),
        counters_(static_cast<std::size_t>(pool_.size())),
        results_(sources.size()) {
    for (std::size_t i = 0; i < sources.size(); ++i)
      if (has_numbers(sources[i].dtype())) results_[i].histogram.resize(static_cast<std::size_t>(bins));
  }

  void run(std::span<const Slice> slices) {
    std::vector<Part> parts(slices.size());
    Codes codes;  // of the tensors whose codes are counted
    for (const Slice& slice : slices)
      if (const Source& source = sources_[slice.tensor]; counts_codes(source))
        codes[slice.tensor].resize(codes_of(source.dtype()));
    const auto tasks = static_cast<std::int64_t>(slices.size());
    pool_.parallel_for(tasks, [&](std::int64_t task, int worker) {
      const auto i = static_cast<std::size_t>(task);
      if (counts_codes(sources_[slices[i].tensor]))
        count_codes(slices[i], worker, codes);
      else if (has_numbers(sources_[slices[i].tensor].dtype()))
        summarise(slices[i], worker, parts[i]);
    });
    combine(slices, parts);
    for (Counter& counter : counters_) counter.give(codes);
    for (const auto& [tensor, counts] : codes) summarise_codes(sources_[tensor].dtype(), counts, results_[tensor]);
    pool_.parallel_for(tasks, [&](std::int64_t task, int worker) {
      const auto i = static_cast<std::size_t>(task);
      if (parts[i].summary.count > 0) count_bins(slices[i], worker, parts[i]);
    });
    for (std::size_t i = 0; i < slices.size(); ++i)
      for (std::size_t b = 0; b < parts[i].bins.size(); ++b)
        results_[slices[i].tensor].histogram[b] += parts[i].bins[b];
  }

  std::vector<Statistics> take() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      results_[i].elements = sources_[i].elements();
      results_[i].numeric = has_numbers(sources_[i].dtype());
    }
    return std::move(results_);
  }

 private:
  using Codes = std::map<std::size_t, std::vector<std::int64_t>>;

  // A worker's counts of the tensor it is at.
  struct Counter {
    std::size_t tensor = 0;
    CodeCounts counts;

    void give(Codes& codes) {
      if (const auto found = codes.find(tensor); found != codes.end()) counts.take(found->second);
    }
  };

  static bool counts_codes(const Source& source) {
    return codes_of(source.dtype()) > 0 && source.elements() >= kFewestForCodes && source.elements() < kMostForCodes;
  }

  void count_codes(const Slice& slice, int worker, Codes& codes) {
    Counter& counter = counters_[static_cast<std::size_t>(worker)];
    if (counter.tensor != slice.tensor) {
      const std::lock_guard lock(codes_lock_);
      counter.give(codes);
      counter.tensor = slice.tensor;
    }
    const Source& source = sources_[slice.tensor];
    const std::byte* bytes = source.read(slice.first, slice.count, scratch_[static_cast<std::size_t>(worker)]);
    counter.counts.add(source.dtype(), bytes, slice.count);
  }

  // Calls body(values, count) for runs of a slice; the values may be changed.
  template <class Body>
  void for_each_run(const Slice& slice, int worker, Body&& body) {
    const Source& source = sources_[slice.tensor];
    alignas(64) std::array<double, kChunk> values;
    const auto size = static_cast<std::size_t>(bits(source.dtype()) / 8);
    const std::byte* bytes = source.read(slice.first, slice.count, scratch_[static_cast<std::size_t>(worker)]);
    for (std::int64_t done = 0; done < slice.count; done += kChunk) {
      const std::int64_t count = std::min(kChunk, slice.count - done);
      decode(source.dtype(), bytes + static_cast<std::size_t>(done) * size, count, values.data());
      body(values.data(), count);
    }
  }

  void summarise(const Slice& slice, int worker, Part& part) {
    const MomentKernels& kernels = moment_kernels();
    for_each_run(slice, worker, [&](double* values, std::int64_t count) {
      Summary run;
      if (!kernels.summarise(values, count, run)) {
        const std::int64_t nans = std::count_if(values, values + count, [](double x) { return std::isnan(x); });
        const std::int64_t finite = keep_finite(values, count);
        part.nans += nans;
        part.infinities += count - finite - nans;
        run = {};
        if (finite > 0) kernels.summarise(values, finite, run);
      }
      part.summary = combined(part.summary, run);
    });
  }

  void combine(std::span<const Slice> slices, std::span<const Part> parts) {
    for (std::size_t i = 0; i < slices.size();) {
      Statistics& result = results_[slices[i].tensor];
      Summary summary;
      for (const std::size_t tensor = slices[i].tensor; i < slices.size() && slices[i].tensor == tensor; ++i) {
        summary = combined(summary, parts[i].summary);
        result.nans += parts[i].nans;
        result.infinities += parts[i].infinities;
      }
      finish(summary, result);
    }
  }

  void count_bins(const Slice& slice, int worker, Part& part) {
    const MomentKernels& kernels = moment_kernels();
    const Statistics& result = results_[slice.tensor];
    const Binning binning = binning_of(result);
    const bool all_finite = part.nans + part.infinities == 0;
    std::array<std::uint32_t, kBinTables * kBinStride> counts{};
    for_each_run(slice, worker, [&](double* values, std::int64_t count) {
      kernels.count_bins(values, all_finite ? count : keep_finite(values, count), binning, counts.data());
    });
    part.bins.resize(result.histogram.size());
    for (std::size_t b = 0; b < part.bins.size(); ++b)
      for (std::size_t table = 0; table < kBinTables; ++table) part.bins[b] += counts[table * kBinStride + b];
  }

  std::span<const Source> sources_;
  ThreadPool pool_;
  std::vector<std::vector<std::byte>> scratch_;  // of each worker
  std::vector<Counter> counters_;                // likewise
  std::mutex codes_lock_;
  std::vector<Statistics> results_;
};

std::vector<Statistics> statistics_of(std::span<const Source> sources, int bins, const Context& context) {
  if (bins < 1 || bins > kBinStride)
    fail(ErrorCategory::usage, "[statistics] expected 1 to {} bins, found {}", kBinStride, bins);
  std::int64_t done = 0, total = 0;
  for (const Source& source : sources) total += source.bytes();
  Calculation calculation(sources, bins, context);
  for_each_batch(sources, [&](std::span<const Slice> slices, std::int64_t bytes) {
    calculation.run(slices);
    context.report("statistics", done += bytes, total);
  });
  return calculation.take();
}

}  // namespace

std::vector<Statistics> statistics(std::span<const Tensor> tensors, const StatisticsOptions& options,
                                   const Context& context) {
  const std::vector<Source> sources(tensors.begin(), tensors.end());
  return statistics_of(sources, options.bins, context);
}

std::vector<Statistics> statistics(std::span<const ShardedTensors::Entry> tensors, const StatisticsOptions& options,
                                   const Context& context) {
  std::vector<Source> sources;
  sources.reserve(tensors.size());
  for (const auto& [info, file] : tensors) sources.emplace_back(*file, *info);
  return statistics_of(sources, options.bins, context);
}

}  // namespace safelight

// Two loops over the slices of a batch: sums, then, once the extremes of each tensor are known, histograms.
#include "safelight/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "arithmetic/source.h"
#include "core/fail.h"
#include "core/thread_pool.h"
#include "tensor/decode.h"
#include "tensor/moment_kernels.h"

namespace safelight {
namespace {

// What is known of one slice.
struct Part {
  Summary summary;
  std::int64_t nans = 0, infinities = 0;
  std::vector<std::uint32_t> bins;
};

// As of one set of values that is both.
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

Binning binning_of(const Statistics& s) {
  const auto bins = static_cast<int>(s.histogram.size());
  Binning binning{.low = s.min, .last = bins - 1};
  if (!std::isfinite(s.max - s.min)) binning.unit = 0.5;  // the range of doubles is twice what a double can hold
  const double range = s.max * binning.unit - s.min * binning.unit;
  if (range > 0) binning.scale = bins / range;
  if (!std::isfinite(binning.scale)) binning.scale = 0;  // a range of a few subnormals
  return binning;
}

void finish(const Summary& summary, Statistics& s) {
  if (summary.count == 0) return;
  s.zeros = summary.zeros;
  s.min = summary.min + 0.0;  // -0 becomes 0: which of the two is found first, depends on the processor
  s.max = summary.max + 0.0;
  s.mean = summary.mean;
  s.std = std::sqrt(summary.squares / static_cast<double>(summary.count));
}

class Calculation {
 public:
  Calculation(std::span<const Source> sources, int bins, const Context& context)
      : sources_(sources),
        pool_(context.threads, context.cancel),
        scratch_(static_cast<std::size_t>(pool_.size())),
        results_(sources.size()) {
    for (std::size_t i = 0; i < sources.size(); ++i)
      if (has_numbers(sources[i].dtype())) results_[i].histogram.resize(static_cast<std::size_t>(bins));
  }

  void run(std::span<const Slice> slices) {
    std::vector<Part> parts(slices.size());
    const auto tasks = static_cast<std::int64_t>(slices.size());
    pool_.parallel_for(tasks, [&](std::int64_t task, int worker) {
      const auto i = static_cast<std::size_t>(task);
      if (has_numbers(sources_[slices[i].tensor].dtype())) summarise(slices[i], worker, parts[i]);
    });
    combine(slices, parts);
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

std::vector<Statistics> statistics(const SafeTensors& file, std::span<const TensorInfo> tensors,
                                   const StatisticsOptions& options, const Context& context) {
  std::vector<Source> sources;
  sources.reserve(tensors.size());
  for (const TensorInfo& info : tensors) sources.emplace_back(file, info);
  return statistics_of(sources, options.bins, context);
}

}  // namespace safelight

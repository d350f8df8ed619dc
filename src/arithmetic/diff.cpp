// Tensors of both files are paired by name. Of each pair first the bytes are compared, slice by slice; only where some
// differ, the numbers are.
#include "safelight/diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "arithmetic/name_selection.h"
#include "arithmetic/source.h"
#include "core/fail.h"
#include "core/thread_pool.h"
#include "tensor/decode.h"

namespace safelight {
namespace {

// Sums over the pairs that are both finite, and the counts.
struct Sums {
  NumberDiff found;
  double squares = 0, dot = 0, a_squares = 0, b_squares = 0;
  std::int64_t finite = 0;

  void add(const Sums& o) {
    found.values += o.found.values;
    found.differing += o.found.differing;
    found.unequal += o.found.unequal;
    found.not_finite += o.found.not_finite;
    if (o.found.max_absolute > found.max_absolute) found.max_absolute = o.found.max_absolute, found.at = o.found.at;
    found.max_relative = std::max(found.max_relative, o.found.max_relative);
    squares += o.squares, dot += o.dot, a_squares += o.a_squares, b_squares += o.b_squares;
    finite += o.finite;
  }
};

// a - b, where doubles may be too short for a and b themselves.
template <class Integer>
void exact_differences(const std::byte* a, const std::byte* b, std::int64_t count, double* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    Integer x, y;
    std::memcpy(&x, a + static_cast<std::size_t>(i) * sizeof x, sizeof x);
    std::memcpy(&y, b + static_cast<std::size_t>(i) * sizeof y, sizeof y);
    const auto magnitude = static_cast<double>(x > y ? static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(y)
                                                     : static_cast<std::uint64_t>(y) - static_cast<std::uint64_t>(x));
    to[i] = x > y ? magnitude : -magnitude;
  }
}

struct Run {
  std::array<double, kChunk> a, b, difference;
};

void read_run(DType a_type, const std::byte* a, DType b_type, const std::byte* b, std::int64_t count, Run& run) {
  decode(a_type, a, count, run.a.data());
  decode(b_type, b, count, run.b.data());
  if (a_type == b_type && a_type == DType::I64)
    return exact_differences<std::int64_t>(a, b, count, run.difference.data());
  if (a_type == b_type && a_type == DType::U64)
    return exact_differences<std::uint64_t>(a, b, count, run.difference.data());
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    run.difference[at] = run.a[at] - run.b[at];
  }
}

void compare_run(const Run& run, std::int64_t first, std::int64_t count, const DiffOptions& options, Sums& sums) {
  NumberDiff& found = sums.found;
  found.values += count;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double a = run.a[at], b = run.b[at];
    if (!std::isfinite(a) || !std::isfinite(b)) {
      const bool same = a == b || (std::isnan(a) && std::isnan(b));
      found.not_finite += same ? 0 : 1;
      continue;
    }
    const double distance = std::fabs(run.difference[at]), larger = std::max(std::fabs(a), std::fabs(b));
    ++sums.finite;
    sums.squares += distance * distance;
    sums.dot += a * b;
    sums.a_squares += a * a;
    sums.b_squares += b * b;
    if (distance == 0) continue;
    ++found.unequal;
    if (distance > options.tolerance + options.relative * larger) ++found.differing;
    if (distance > found.max_absolute) found.max_absolute = distance, found.at = first + i;
    found.max_relative = std::max(found.max_relative, distance / larger);
  }
}

NumberDiff finished(const Sums& sums) {
  NumberDiff found = sums.found;
  found.differing += found.not_finite;
  found.unequal += found.not_finite;
  if (sums.finite > 0) found.rms = std::sqrt(sums.squares / static_cast<double>(sums.finite));
  const double norms = std::sqrt(sums.a_squares) * std::sqrt(sums.b_squares);
  if (norms > 0)
    found.cosine = std::clamp(sums.dot / norms, -1.0, 1.0);
  else
    found.cosine = sums.a_squares == sums.b_squares ? 1 : 0;
  return found;
}

// A pair of tensors of one shape.
struct Pair {
  Source a, b;
  bool bytes_differ = false;
  Sums sums = {};

  bool numeric() const noexcept { return has_numbers(a.dtype()) && has_numbers(b.dtype()); }
};

class Comparison {
 public:
  Comparison(std::vector<Pair>& pairs, const DiffOptions& options, const Context& context)
      : pairs_(pairs),
        options_(options),
        pool_(context.threads, context.cancel),
        a_scratch_(static_cast<std::size_t>(pool_.size())),
        b_scratch_(a_scratch_.size()) {}

  void run(std::span<const Slice> slices) {
    std::vector<char> unlike(slices.size());
    for_each(slices, [&](std::size_t i, int worker) {
      const Pair& pair = pairs_[slices[i].tensor];
      unlike[i] = pair.a.dtype() != pair.b.dtype() || !equal_bytes(pair, slices[i], worker);
    });
    for (std::size_t i = 0; i < slices.size(); ++i)
      if (unlike[i]) pairs_[slices[i].tensor].bytes_differ = true;
    std::vector<Sums> sums(slices.size());
    for_each(slices, [&](std::size_t i, int worker) {
      const Pair& pair = pairs_[slices[i].tensor];
      if (pair.bytes_differ && pair.numeric()) sums[i] = compare(pair, slices[i], worker);
    });
    for (std::size_t i = 0; i < slices.size(); ++i) pairs_[slices[i].tensor].sums.add(sums[i]);
  }

 private:
  template <class Body>
  void for_each(std::span<const Slice> slices, Body&& body) {
    pool_.parallel_for(static_cast<std::int64_t>(slices.size()),
                       [&](std::int64_t task, int worker) { body(static_cast<std::size_t>(task), worker); });
  }

  bool equal_bytes(const Pair& pair, const Slice& slice, int worker) {
    const std::byte *a = read(pair.a, slice, a_scratch_, worker), *b = read(pair.b, slice, b_scratch_, worker);
    return std::memcmp(a, b, static_cast<std::size_t>(slice.count * bits(pair.a.dtype()) / 8)) == 0;
  }

  Sums compare(const Pair& pair, const Slice& slice, int worker) {
    const std::byte *a = read(pair.a, slice, a_scratch_, worker), *b = read(pair.b, slice, b_scratch_, worker);
    Sums sums;
    Run run;
    for (std::int64_t done = 0; done < slice.count; done += kChunk) {
      const std::int64_t count = std::min(kChunk, slice.count - done);
      read_run(pair.a.dtype(), a + done * bits(pair.a.dtype()) / 8, pair.b.dtype(), b + done * bits(pair.b.dtype()) / 8,
               count, run);
      compare_run(run, slice.first + done, count, options_, sums);
    }
    return sums;
  }

  static const std::byte* read(const Source& source, const Slice& slice, std::vector<std::vector<std::byte>>& scratch,
                               int worker) {
    return source.read(slice.first, slice.count, scratch[static_cast<std::size_t>(worker)]);
  }

  std::vector<Pair>& pairs_;
  const DiffOptions& options_;
  ThreadPool pool_;
  std::vector<std::vector<std::byte>> a_scratch_, b_scratch_;  // of each worker
};

void check(const ShardedTensors& a, const ShardedTensors& b, const DiffOptions& options) {
  for (const double tolerance : {options.tolerance, options.relative})
    if (!(tolerance >= 0)) fail(ErrorCategory::usage, "[diff] expected a tolerance of 0 or more, found {}", tolerance);
  std::vector<ShardedTensors::Entry> all(a.tensors().begin(), a.tensors().end());
  all.insert(all.end(), b.tensors().begin(), b.tensors().end());
  NameSelection(options.only, options.except).check(all);
}

// All chosen names of both files, sorted.
std::vector<TensorDiff> paired(const ShardedTensors& a, const ShardedTensors& b, const DiffOptions& options) {
  const NameSelection selection(options.only, options.except);
  std::vector<TensorDiff> result;
  for (const auto& [info, shard] : a.tensors()) {
    if (!selection.contains(info->name)) continue;
    result.push_back({.name = info->name, .a = *info});
    if (const TensorInfo* other = b.find(info->name).info) result.back().b = *other;
  }
  for (const auto& [info, shard] : b.tensors())
    if (selection.contains(info->name) && !a.find(info->name).info) result.push_back({.name = info->name, .b = *info});
  std::ranges::sort(result, {}, &TensorDiff::name);
  return result;
}

std::vector<MetadataDiff> metadata_diff(const Metadata& a, const Metadata& b) {
  std::vector<MetadataDiff> result;
  for (const auto& [key, text] : a) {
    const auto other = b.find(key);
    if (other == b.end())
      result.push_back({key, text, std::nullopt});
    else if (other->second != text)
      result.push_back({key, text, other->second});
  }
  for (const auto& [key, text] : b)
    if (!a.contains(key)) result.push_back({key, std::nullopt, text});
  std::ranges::sort(result, {}, &MetadataDiff::key);
  return result;
}

bool comparable(const TensorDiff& t) {
  return t.a && t.b && t.a->shape == t.b->shape &&
         (t.a->dtype == t.b->dtype || (has_numbers(t.a->dtype) && has_numbers(t.b->dtype)));
}

void judge(TensorDiff& t, const Pair& pair, const DiffOptions& options) {
  if (pair.bytes_differ && pair.numeric()) t.numbers = finished(pair.sums);
  t.bytes_differ = pair.bytes_differ && !pair.numeric();
  t.differs =
      t.bytes_differ || (t.numbers && t.numbers->differing > 0) || (t.a->dtype != t.b->dtype && !options.ignore_dtype);
}

}  // namespace

FileDiff diff(const ShardedTensors& a, const ShardedTensors& b, const DiffOptions& options, const Context& context) {
  check(a, b, options);
  std::vector<TensorDiff> tensors = paired(a, b, options);
  std::vector<Pair> pairs;
  std::int64_t done = 0, total = 0;
  for (const TensorDiff& t : tensors) {
    if (!comparable(t)) continue;
    pairs.push_back({Source(*a.find(t.name).shard, *t.a), Source(*b.find(t.name).shard, *t.b)});
    total += pairs.back().a.bytes() + pairs.back().b.bytes();
  }
  std::vector<Source> sizes;
  sizes.reserve(pairs.size());
  for (const Pair& pair : pairs) sizes.push_back(pair.a);
  Comparison comparison(pairs, options, context);
  for_each_batch(sizes, [&](std::span<const Slice> slices, std::int64_t) {
    comparison.run(slices);
    for (std::size_t i = 0; i < slices.size(); ++i) {
      const Pair& pair = pairs[slices[i].tensor];
      done += slices[i].count * (bits(pair.a.dtype()) + bits(pair.b.dtype())) / 8;
    }
    context.report("compare", done, total);
  });

  FileDiff result{.metadata = metadata_diff(a.metadata(), b.metadata())};
  result.differs = !options.ignore_metadata && !result.metadata.empty();
  std::size_t next = 0;
  for (TensorDiff& t : tensors) {
    t.differs = !comparable(t);
    if (comparable(t)) judge(t, pairs[next++], options);
    result.differs = result.differs || t.differs;
    if (t.a && t.b) ++result.compared, result.same += t.differs ? 0 : 1;
    if (t.differs || t.numbers || t.a->dtype != t.b->dtype) result.tensors.push_back(std::move(t));
  }
  return result;
}

}  // namespace safelight

// Speed of casts and statistics against a plain copy of the same bytes, all in memory and on as many threads.
//   bench_numbers [--threads N] [--rounds N] [--megabytes N]
// Prints one line for each: best and median seconds, GB/s of bytes read and written (a copy reads and writes all; a
// cast reads one type and writes another; statistics only read, twice), and the time of a copy that moves as many
// bytes, divided by the best time: 1 is the speed of memory. Works on slices of 64 Ki values, as files are read.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "core/thread_pool.h"
#include "safelight/statistics.h"
#include "tensor/cast_kernels.h"

namespace safelight {
namespace {

constexpr std::int64_t kSlice = 64 << 10;  // values in a task

struct Options {
  int threads = 0, rounds = 7;
  std::int64_t megabytes = 512;  // of the source
};

struct Times {
  double best = 0, median = 0;
};

Times measure(int rounds, const std::function<void()>& work) {
  std::vector<double> seconds;
  work();  // brings the pages in
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::sort(seconds);
  return {seconds.front(), seconds[seconds.size() / 2]};
}

// Normally distributed, as weights are.
Tensor weights(DType dtype, std::int64_t bytes) {
  const std::int64_t count = bytes * 8 / bits(dtype);
  std::vector<float> pattern(1 << 20);
  std::mt19937 random(1);
  std::normal_distribution<float> distribution(0, 0.02f);
  for (float& v : pattern) v = distribution(random);
  const Tensor small = cast(Tensor::from(pattern, {1 << 20}), dtype);
  Tensor t = Tensor::allocate(dtype, {count});
  for (std::size_t at = 0; at < t.bytes(); at += small.bytes())
    std::memcpy(t.mutable_data() + at, small.data(), std::min(small.bytes(), t.bytes() - at));
  return t;
}

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options), pool_(options.threads) {}

  void copy() {
    const Tensor from = weights(DType::F32, bytes());
    Tensor to = Tensor::allocate(DType::F32, from.shape());
    const Times t = measure(options_.rounds, [&] {
      for_each_slice(from.elements(), [&](std::int64_t first, std::int64_t count) {
        std::memcpy(to.mutable_data() + 4 * first, from.data() + 4 * first, static_cast<std::size_t>(4 * count));
      });
    });
    copy_rate_ = 2 * static_cast<double>(bytes()) / t.best;
    report("memcpy", 2 * static_cast<double>(bytes()), t);
  }

  void cast_to(DType from_type, DType to_type) {
    const Tensor from = weights(from_type, bytes());
    Tensor to = Tensor::allocate(to_type, from.shape());
    const CastKernel kernel = cast_kernel(from_type, to_type);
    const std::int64_t in = bits(from_type) / 8, out = bits(to_type) / 8;
    const Times t = measure(options_.rounds, [&] {
      for_each_slice(from.elements(), [&](std::int64_t first, std::int64_t count) {
        kernel(from.data() + in * first, count, to.mutable_data() + out * first);
      });
    });
    report(fmt::format("cast {} {}", name(from_type), name(to_type)),
           static_cast<double>(from.bytes()) + static_cast<double>(to.bytes()), t);
  }

  void statistics_of(DType dtype) {
    const Tensor t = weights(dtype, bytes());
    const Times times = measure(options_.rounds, [&] { statistics({&t, 1}, {}, {.threads = pool_.size()}); });
    report(fmt::format("stat {}", name(dtype)), 2 * static_cast<double>(t.bytes()), times);
  }

 private:
  std::int64_t bytes() const { return options_.megabytes << 20; }

  template <class Body>
  void for_each_slice(std::int64_t elements, Body&& body) {
    pool_.parallel_for((elements + kSlice - 1) / kSlice, [&](std::int64_t task, int) {
      body(task * kSlice, std::min(kSlice, elements - task * kSlice));
    });
  }

  void report(std::string_view what, double moved, const Times& t) const {
    fmt::print("{:20} best {:.4f} s  median {:.4f} s  {:6.2f} GB/s  {:.2f} of a copy\n", what, t.best, t.median,
               moved / t.best * 1e-9, moved / copy_rate_ / t.best);
  }

  Options options_;
  ThreadPool pool_;
  double copy_rate_ = 1;  // bytes a second, read and written
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--threads") options.threads = std::atoi(argv[i + 1]);
    if (option == "--rounds") options.rounds = std::max(1, std::atoi(argv[i + 1]));
    if (option == "--megabytes") options.megabytes = std::max(1, std::atoi(argv[i + 1]));
  }
  return options;
}

}  // namespace
}  // namespace safelight

int main(int argc, char** argv) {
  using safelight::DType;
  safelight::Bench bench(safelight::parse(argc, argv));
  bench.copy();
  for (const auto& [from, to] : {std::pair{DType::F32, DType::F16},
                                 {DType::F32, DType::BF16},
                                 {DType::F32, DType::F8_E4M3},
                                 {DType::F16, DType::F32},
                                 {DType::BF16, DType::F16},
                                 {DType::F64, DType::F32}})
    bench.cast_to(from, to);
  for (const DType dtype : {DType::F32, DType::F16, DType::BF16, DType::F8_E4M3}) bench.statistics_of(dtype);
}

// The kernels' half of `./run bench cpu`: each shape by our CPU backend and by the peers (peers.h), taking turns, and
// our result against the reference backend, which adds up in double precision. One line of JSON per shape; times are
// seconds, one per round; `peak` is the FMA peak measured in the same round. Where the processor multiplies bf16, ours
// in that precision, too, against the same exact result.
//
//   bench_kernels [--rounds N] [--threads N] [--cores N,N...] [--small] [--filter TEXT]
//
// --cores: where this process may run. OpenMP, told to pin its threads, has bound the calling one to a single core
// before main() begins, and our threads would all inherit that.
//
// Fails if a peer's result is another one than ours: nobody is timed doing the wrong thing.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <sstream>
#include <string_view>
#include <thread>

#include "backends/cpu/cpu_backend.h"
#include "backends/reference/reference_backend.h"
#include "bench/fma_peak.h"
#include "bench/peers.h"
#include "core/json_text.h"
#include "safelight/cast.h"
#include "safelight/error.h"

namespace safelight {
namespace {

// Relative, in norm, between ours and a peer's: F32 sums in another order, Winograd's with other points.
constexpr double kSameResult = 1e-4;
// Rows of the result, channels of a convolution, that are compared with the reference: it is slow.
constexpr std::int64_t kCheckedRows = 16, kCheckedChannels = 16;

struct Options {
  int rounds = 5, threads = 2;
  bool small = false;
  std::string filter;
};

Tensor random_floats(Shape shape, unsigned seed, float deviation = 1) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0, deviation);
  // One draw for many values: drawing takes longer than what is measured.
  std::vector<float> drawn(99'991);
  for (float& v : drawn) v = distribution(generator);
  std::size_t i = 0;
  for (float& v : t.mutable_floats()) {
    v = drawn[i % drawn.size()] + 0.25f * drawn[i / drawn.size() % drawn.size()];
    ++i;
  }
  return t;
}

// The first `count` along the outermost axis, sharing the bytes.
Tensor first(const Tensor& t, std::int64_t count) {
  Shape shape = t.shape();
  shape[0] = std::min(shape[0], count);
  return {t.dtype(), shape, std::shared_ptr<const std::byte>(std::make_shared<Tensor>(t), t.data())};
}

struct Deviation {
  double norm = 0, max = 0;  // of the difference over that of what was expected
};

Deviation difference(const Tensor& actual, const Tensor& expected) {
  double square = 0, squares = 0, worst = 0, largest = 0;
  for (std::size_t i = 0; i < expected.floats().size(); ++i) {
    const double e = expected.floats()[i], d = actual.floats()[i] - e;
    square += d * d, squares += e * e;
    worst = std::max(worst, std::fabs(d)), largest = std::max(largest, std::fabs(e));
  }
  return {std::sqrt(square / squares), worst / largest};
}

// One shape: ours, the peers, and what the reference says of a part of the result.
struct Case {
  std::string kind, name;
  double flop = 0;
  std::function<Tensor(Precision)> ours;
  std::vector<Peer> peers;
  std::function<Deviation(const Tensor&)> error;
};

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        cpu_(make_cpu_backend({.threads = options.threads})),
        reference_(make_reference_backend({})) {}

  void linear(std::int64_t rows, std::int64_t in, std::int64_t out) {
    const std::string name = fmt::format("{} x {} -> {}", rows, in, out);
    if (!wanted("linear", name)) return;
    const Tensor x = random_floats({rows, in}, 1);
    const Tensor weight = cast(random_floats({out, in}, 2, 1 / std::sqrt(static_cast<float>(in))), DType::F16);
    const LinearSpec spec{.in = in, .out = out}, rounds{.in = in, .out = out, .precision = Precision::bf16};
    const std::shared_ptr<Linear> op = cpu_->linear(spec, weight, {}), rounded = cpu_->linear(rounds, weight, {}),
                                  exact = reference_->linear(spec, weight, {});
    // Rows of one image, as networks have them.
    measure(
        {.kind = "linear",
         .name = name,
         .flop = 2.0 * static_cast<double>(rows * in * out),
         .ours =
             [=](Precision precision) {
               Linear& layer = precision == Precision::bf16 ? *rounded : *op;
               return layer(x.reshaped({1, rows, in})).reshaped({rows, out});
             },
         .peers = linear_peers(x, to_f32(weight)),
         .error =
             [=](const Tensor& y) { return difference(first(y, kCheckedRows), (*exact)(first(x, kCheckedRows))); }});
  }

  void convolution(std::int64_t n, std::int64_t in, std::int64_t out, std::int64_t side) {
    const std::string name = fmt::format("{} x {} x {} x {} -> {}", n, side, side, in, out);
    if (!wanted("3x3", name)) return;
    const Tensor x = random_floats({n, side, side, in}, 3);
    const Tensor weight =
        cast(random_floats({out, in, 3, 3}, 4, 1 / std::sqrt(9 * static_cast<float>(in))), DType::F16);
    const Conv2dSpec spec{.in = in, .out = out}, rounds{.in = in, .out = out, .precision = Precision::bf16};
    const std::shared_ptr<Conv2d> op = cpu_->conv2d(spec, weight, {}), rounded = cpu_->conv2d(rounds, weight, {});
    measure({.kind = "3x3",
             .name = name,
             .flop = 18.0 * static_cast<double>(n * side * side * in * out),
             .ours = [=](Precision precision) { return (precision == Precision::bf16 ? *rounded : *op)(x); },
             .peers = convolution_peers(x, to_f32(weight)),
             .error = [=, this](const Tensor& y) { return convolution_error(spec, x, weight, y); }});
  }

  void attention(std::int64_t n, std::int64_t tokens, int heads, std::int64_t width) {
    const std::string name = fmt::format("{} x {} tokens, {} heads of {}", n, tokens, heads, width);
    if (!wanted("attention", name)) return;
    const Shape shape{n, tokens, heads * width};
    const Tensor q = random_floats(shape, 5, 1.5f), k = random_floats(shape, 6, 1.5f), v = random_floats(shape, 7);
    const AttentionSpec spec{.heads = heads};
    measure({.kind = "attention",
             .name = name,
             .flop = 4.0 * static_cast<double>(n * tokens * tokens * heads * width),
             .ours =
                 [=, this](Precision precision) {
                   return cpu_->attention(q, k, v, {.heads = heads, .precision = precision});
                 },
             .peers = attention_peers(q, k, v, heads),
             .error =
                 [=, this](const Tensor& y) {
                   const auto rows = [&](const Tensor& t) {
                     return first(t.reshaped({n * tokens, heads * width}), kCheckedRows)
                         .reshaped({1, std::min(kCheckedRows, tokens), heads * width});
                   };
                   return difference(rows(y), reference_->attention(rows(q), first(k, 1), first(v, 1), spec));
                 }});
  }

 private:
  bool wanted(std::string_view kind, const std::string& name) const {
    return fmt::format("{} {}", kind, name).find(options_.filter) != std::string::npos;
  }

  // Of the first rows and channels: the reference needs one row more of the picture than it makes.
  Deviation convolution_error(Conv2dSpec spec, const Tensor& x, const Tensor& weight, const Tensor& y) const {
    const std::int64_t rows = std::min(kCheckedRows, x.dim(1)), width = x.dim(2), all = spec.out;
    spec.out = std::min(spec.out, kCheckedChannels);
    const std::int64_t read = std::min(rows + 1, x.dim(1));
    const Tensor picture =
        first(x.reshaped({x.dim(0) * x.dim(1), width, spec.in}), read).reshaped({1, read, width, spec.in});
    const Tensor expected = (*reference_->conv2d(spec, first(weight, spec.out), {}))(picture);
    Tensor actual = Tensor::allocate(DType::F32, {rows * width, spec.out});
    for (std::int64_t pixel = 0; pixel < rows * width; ++pixel)
      std::copy_n(y.floats().begin() + pixel * all, spec.out, actual.mutable_floats().begin() + pixel * spec.out);
    return difference(actual, first(expected.reshaped({read * width, spec.out}), rows * width));
  }

  void measure(const Case& c) {
    const bool rounds = cpu_->gains_from(Precision::bf16);
    Tensor result = c.ours(Precision::full);
    const Deviation error = c.error(result), rounded_error = rounds ? c.error(c.ours(Precision::bf16)) : Deviation{};
    std::map<std::string, double> differences;
    for (const Peer& peer : c.peers) {
      peer.run();
      differences[peer.name] = difference(peer.result(), result).norm;
      if (!(differences[peer.name] <= kSameResult))
        throw std::runtime_error(fmt::format("{} {}: {} differs from ours by {:.2e}, more than {:.0e}", c.kind, c.name,
                                             peer.name, differences[peer.name], kSameResult));
    }
    std::vector<double> peaks, rounded_times;
    std::map<std::string, std::vector<double>> times;
    for (int round = 0; round < options_.rounds; ++round) {
      peaks.push_back(fma_peak(options_.threads));
      const std::size_t sides = c.peers.size() + 1;
      for (std::size_t i = 0; i < sides; ++i) {
        const std::size_t side = round % 2 == 0 ? i : sides - 1 - i;  // ours last, then first
        if (side + 1 < sides)
          times[c.peers[side].name].push_back(seconds_of(c.peers[side].run));
        else
          times["ours"].push_back(seconds_of([&] { result = c.ours(Precision::full); }));
      }
      if (rounds) rounded_times.push_back(seconds_of([&] { result = c.ours(Precision::bf16); }));
    }
    report(c, error, differences, peaks, times,
           rounds ? fmt::format(R"({{"seconds":[{}],"error":{{"norm":{},"max":{}}}}})", fmt::join(rounded_times, ","),
                                rounded_error.norm, rounded_error.max)
                  : "null");
  }

  static double seconds_of(const std::function<void()>& work) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // whoever was before: its threads stop spinning
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  static void report(const Case& c, const Deviation& error, const std::map<std::string, double>& differences,
                     const std::vector<double>& peaks, const std::map<std::string, std::vector<double>>& times,
                     const std::string& bf16) {
    std::string sides;
    for (const auto& [name, seconds] : times)
      sides += fmt::format("{}{}:[{}]", sides.empty() ? "" : ",", json_string(name), fmt::join(seconds, ","));
    std::string apart;
    for (const auto& [name, value] : differences)
      apart += fmt::format("{}{}:{}", apart.empty() ? "" : ",", json_string(name), value);
    fmt::print(
        R"({{"kind":{},"name":{},"flop":{},"seconds":{{{}}},"peak":[{}],"difference":{{{}}},"error":{{"norm":{},"max":{}}},"bf16":{}}})"
        "\n",
        json_string(c.kind), json_string(c.name), c.flop, sides, fmt::join(peaks, ","), apart, error.norm, error.max,
        bf16);
    std::fflush(stdout);
  }

  const Options options_;
  std::unique_ptr<Backend> cpu_, reference_;
};

void measure_all(Bench& bench) {
  bench.linear(8192, 320, 320), bench.linear(8192, 320, 2560), bench.linear(8192, 1280, 320);
  bench.linear(2048, 640, 5120), bench.linear(2048, 2560, 640);
  bench.linear(512, 1280, 10240), bench.linear(512, 5120, 1280);
  bench.linear(128, 1280, 1280), bench.linear(154, 768, 320);
  bench.convolution(2, 320, 320, 64), bench.convolution(2, 960, 320, 64);
  bench.convolution(2, 640, 640, 32);
  bench.convolution(2, 1280, 1280, 16), bench.convolution(2, 2560, 1280, 16);
  bench.convolution(2, 1280, 1280, 8);
  bench.convolution(2, 4, 320, 64), bench.convolution(2, 320, 4, 64);
  bench.convolution(1, 512, 512, 256), bench.convolution(1, 256, 256, 512), bench.convolution(1, 128, 128, 512);
  bench.convolution(1, 128, 3, 512);
  bench.attention(2, 4096, 8, 40), bench.attention(2, 1024, 8, 80);
}

void measure_small(Bench& bench) {
  bench.linear(128, 320, 320), bench.convolution(1, 64, 64, 32), bench.convolution(2, 128, 128, 8);
  bench.attention(1, 256, 4, 40);
}

void allow_cores(std::string_view list) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::istringstream cores{std::string(list)};
  for (std::string core; std::getline(cores, core, ',');) CPU_SET(std::stoul(core), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    throw std::runtime_error(fmt::format("cannot run on the cores {}: {}", list, std::strerror(errno)));
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--small")
      options.small = true;
    else if (word == "--rounds")
      options.rounds = std::max(1, std::atoi(value)), ++i;
    else if (word == "--threads")
      options.threads = std::max(1, std::atoi(value)), ++i;
    else if (word == "--cores")
      allow_cores(value), ++i;
    else if (word == "--filter")
      options.filter = value, ++i;
    else
      throw std::runtime_error(fmt::format("unknown option {}", word));
  }
  return options;
}

}  // namespace
}  // namespace safelight

int main(int argc, char** argv) try {
  const safelight::Options options = safelight::parse(argc, argv);
  fmt::print("{{\"peer\":{}}}\n", safelight::json_string(safelight::peer_library()));
  safelight::Bench bench(options);
  options.small ? safelight::measure_small(bench) : safelight::measure_all(bench);
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_kernels: {}\n", error.what());
  return 1;
}

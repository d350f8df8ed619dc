// Speed of the ops at the sizes that one guided 512x512 step of Stable Diffusion 1.5 asks for, each with its number of
// calls, and of its VAE decoder.
//   bench_ops [--threads N] [--isa NAME] [--rounds N] [--side PIXELS] [--precision NAME] [FILTER]
// Prints one line for each size: calls per step, best and median milliseconds, GFLOP/s of both, and GFLOP per second of
// processor time (what one core does; with one thread it holds on a busy machine, too); then the sums. Weights are F16
// and change with every call, so that they come from memory as in a real step. With --precision
// the UNet's ops run in full and in int8 (linear layers alone) or bf16 by turns. --side: another side than 512, a
// multiple of 64.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "backends/cpu/cpu_backend.h"
#include "safelight/error.h"
#include "tasks/precisions.h"

namespace safelight {
namespace {

struct Options {
  int threads = 0, rounds = 5, side = 512;
  std::string isa{cpu_instruction_sets().front()};
  std::string filter;
  Precision precision = Precision::full;
};

struct Case {
  std::string part, name;  // part: with which others it is summed up
  int calls = 1;           // per step
  double gflop = 0;
  std::function<void()> run;
};

// Normally distributed halves, more of them than any cache holds; weights are slices of it.
class WeightFile {
 public:
  WeightFile() : bytes_(Tensor::allocate(DType::F16, {kElements})) {
    auto* halves = reinterpret_cast<std::uint16_t*>(bytes_.mutable_data());
    std::mt19937 random(1);
    for (std::int64_t i = 0; i < kElements; ++i)  // +-2^-6 .. 2^-5
      halves[i] = static_cast<std::uint16_t>((random() & 0x83FF) | 0x2400);
  }

  Tensor next(Shape shape) {
    const std::int64_t count = elements(shape);
    if (at_ + count > kElements) at_ = 0;
    const std::byte* data = bytes_.data() + 2 * at_;
    at_ += count;
    return {DType::F16, std::move(shape), std::shared_ptr<const std::byte>(std::make_shared<Tensor>(bytes_), data)};
  }

 private:
  static constexpr std::int64_t kElements = std::int64_t{160} << 20;
  Tensor bytes_;
  std::int64_t at_ = 0;
};

// Seconds of all threads of this process.
double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Times {
  std::vector<double> wall, processor;

  void add(const std::function<void()>& run) {
    const auto start = std::chrono::steady_clock::now();
    const double before = processor_seconds();
    run();
    processor.push_back(processor_seconds() - before);
    wall.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
};

double best(const std::vector<double>& values) { return *std::ranges::min_element(values); }
double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : backend_(make_cpu_backend({.threads = options.threads}, options.isa)), picture_(options.side) {}

  // Of a map's side, or its pixels, in a picture of 512x512: those in this one.
  std::int64_t side(std::int64_t at_512) const { return at_512 * picture_ / 512; }
  std::int64_t pixels(std::int64_t at_512) const { return at_512 * picture_ / 512 * picture_ / 512; }

  // Of what is added from now on.
  void begin(std::string_view part, Precision precision) {
    part_ = precision == Precision::full ? part : fmt::format("{} in {}", part, info(precision).names.name);
    precision_ = precision;
  }

  void conv(int calls, std::int64_t n, std::int64_t in, std::int64_t out, std::int64_t side, int stride = 1,
            bool upsample = false) {
    const std::int64_t to = side * (upsample ? 2 : 1) / stride;
    const Conv2dSpec spec{.in = in, .out = out, .stride = stride, .upsample = upsample, .precision = precision_};
    cases_.push_back({part_,
                      fmt::format("{}conv3x3{}{} {}x{}x{} {}->{}", mark(), stride > 1 ? "/2" : "",
                                  upsample ? " up" : "", n, side, side, in, out),
                      calls, 18e-9 * static_cast<double>(n * to * to * in * out), [=, this] {
                        const auto op = backend_->conv2d(spec, weights_.next({out, in, 3, 3}), floats({out}));
                        (*op)(floats({n, side, side, in}));
                      }});
  }

  void linear(int calls, std::int64_t n, std::int64_t rows, std::int64_t in, std::int64_t out, bool geglu = false) {
    const LinearSpec spec{.in = in, .out = out, .geglu = geglu, .precision = precision_};
    cases_.push_back({part_, fmt::format("{}{} {}x{}x{}->{}", mark(), geglu ? "geglu" : "linear", n, rows, in, out),
                      calls, 2e-9 * static_cast<double>(n * rows * in * out), [=, this] {
                        const auto op = backend_->linear(spec, weights_.next({out, in}), floats({out}));
                        (*op)(floats({n, rows, in}));
                      }});
  }

  void attention(int calls, std::int64_t n, std::int64_t queries, std::int64_t keys, int heads, std::int64_t width) {
    const AttentionSpec spec{.heads = heads, .precision = precision_};
    cases_.push_back({part_, fmt::format("{}attention {}x{}x{} {} heads of {}", mark(), n, queries, keys, heads, width),
                      calls, 4e-9 * static_cast<double>(n * queries * keys * heads * width), [=, this] {
                        const Tensor k = floats({n, keys, heads * width});
                        backend_->attention(floats({n, queries, heads * width}), k, k, spec);
                      }});
  }

  void group_norm(int calls, std::int64_t n, std::int64_t side, std::int64_t channels) {
    cases_.push_back({part_, fmt::format("group_norm {}x{}x{} {}", n, side, side, channels), calls, 0, [=, this] {
                        const auto op = backend_->group_norm({.channels = channels, .activation = Activation::silu},
                                                             floats({channels}), floats({channels}));
                        (*op)(floats({n, side, side, channels}));
                      }});
  }

  void layer_norm(int calls, std::int64_t rows, std::int64_t channels) {
    cases_.push_back({part_, fmt::format("layer_norm {}x{}", rows, channels), calls, 0, [=, this] {
                        const auto op =
                            backend_->layer_norm({.channels = channels}, floats({channels}), floats({channels}));
                        (*op)(floats({rows, channels}));
                      }});
  }

  // What a step of the way up makes of two tensors first, a norm and the shortcut, reading them where they lie; and the
  // same of their copy in one, which no network does, for comparison.
  void joined(int calls, std::int64_t n, std::int64_t side, std::int64_t a, std::int64_t b, std::int64_t out) {
    for (const bool copied : {false, true}) {
      const auto run = [=, this] {
        const std::int64_t in = a + b;
        const auto norm =
            backend_->group_norm({.channels = in, .activation = Activation::silu}, floats({in}), floats({in}));
        const auto shortcut =
            backend_->linear({.in = in, .out = out, .precision = precision_}, weights_.next({out, in}), floats({out}));
        const Tensor below = floats({n, side, side, a}), skip = floats({n, side, side, b});
        const Tensor copy = copied ? backend_->concat(below, skip) : Tensor();
        const Joined x = copied ? Joined(copy) : Joined(below, skip);
        (*norm)(x);
        (*shortcut)(x);
      };
      cases_.push_back({part_,
                        fmt::format("{} {}x{}x{} {}+{} to {}", copied ? "copied" : "joined", n, side, side, a, b, out),
                        copied ? 0 : calls, 2e-9 * static_cast<double>(n * side * side * (a + b) * out), run});
    }
  }

  // Every round runs every case once, so that a slow spell of a shared machine hits all alike.
  void report(const Options& options) {
    std::erase_if(cases_, [&](const Case& c) { return c.name.find(options.filter) == std::string::npos; });
    std::vector<Times> times(cases_.size());
    for (const Case& c : cases_) c.run();  // warms up
    for (int round = 0; round < options.rounds; ++round)
      for (std::size_t i = 0; i < cases_.size(); ++i) times[i].add(cases_[i].run);
    std::map<std::string, Sums> parts;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const Case& c = cases_[i];
      const double fast = best(times[i].wall), usual = median(times[i].wall), core = median(times[i].processor);
      fmt::print("{:36} x{:<3} {:9.2f} ms {:9.2f} ms {:6.0f} {:6.0f} GFLOP/s, {:5.0f} a core\n", c.name, c.calls,
                 fast * 1e3, usual * 1e3, c.gflop / fast, c.gflop / usual, c.gflop / core);
      Sums& sum = parts[c.part];
      sum.best += c.calls * fast, sum.median += c.calls * usual;
      sum.processor += c.calls * core, sum.gflop += c.calls * c.gflop;
    }
    for (const auto& [part, sum] : parts)
      fmt::print(
          "{}: {:.0f} GFLOP, best {:.2f} s ({:.0f} GFLOP/s), median {:.2f} s ({:.0f} GFLOP/s), {:.2f} s of processor "
          "time ({:.0f} GFLOP/s a core)\n",
          part, sum.gflop, sum.best, sum.gflop / sum.best, sum.median, sum.gflop / sum.median, sum.processor,
          sum.gflop / sum.processor);
    cases_.clear();
  }

 private:
  struct Sums {
    double best = 0, median = 0, processor = 0, gflop = 0;
  };

  std::string mark() const {
    return precision_ == Precision::full ? "" : fmt::format("{} ", info(precision_).names.name);
  }

  // Of any values: the arithmetic takes the same time. Kept, so that a call is not charged for making them.
  Tensor floats(Shape shape) {
    const std::int64_t count = elements(shape);
    if (pool_.empty() || pool_.elements() < count) {
      pool_ = Tensor::allocate(DType::F32, {count});
      std::ranges::fill(pool_.mutable_floats(), 0.5f);
    }
    return {DType::F32, std::move(shape),
            std::shared_ptr<const std::byte>(std::make_shared<Tensor>(pool_), pool_.data())};
  }

  std::unique_ptr<Backend> backend_;
  WeightFile weights_;
  Tensor pool_;
  std::vector<Case> cases_;
  std::string part_;
  Precision precision_ = Precision::full;
  const std::int64_t picture_;  // its side
};

void add_unet_convolutions(Bench& b) {
  for (const auto& [calls, in, out, side] : {std::array{7, 320, 320, 64},
                                             {1, 960, 320, 64},
                                             {2, 640, 320, 64},
                                             {1, 320, 640, 32},
                                             {6, 640, 640, 32},
                                             {1, 1920, 640, 32},
                                             {1, 1280, 640, 32},
                                             {1, 960, 640, 32},
                                             {1, 640, 1280, 16},
                                             {7, 1280, 1280, 16},
                                             {2, 2560, 1280, 16},
                                             {1, 1920, 1280, 16},
                                             {11, 1280, 1280, 8},
                                             {3, 2560, 1280, 8},
                                             {1, 4, 320, 64},
                                             {1, 320, 4, 64}})
    b.conv(calls, 2, in, out, b.side(side));
  b.conv(1, 2, 640, 640, b.side(32), 1, true), b.conv(1, 2, 1280, 1280, b.side(16), 1, true),
      b.conv(1, 2, 1280, 1280, b.side(8), 1, true);
  b.conv(1, 2, 320, 320, b.side(64), 2), b.conv(1, 2, 640, 640, b.side(32), 2), b.conv(1, 2, 1280, 1280, b.side(16), 2);
}

void add_unet_linears(Bench& b) {
  for (const auto& [calls, rows, in, out] : {std::array{40, 4096, 320, 320},
                                             {5, 4096, 1280, 320},
                                             {1, 1024, 320, 640},
                                             {40, 1024, 640, 640},
                                             {5, 1024, 2560, 640},
                                             {1, 256, 640, 1280},
                                             {40, 256, 1280, 1280},
                                             {5, 256, 5120, 1280},
                                             {8, 64, 1280, 1280},
                                             {1, 64, 5120, 1280}})
    b.linear(calls, 2, b.pixels(rows), in, out);
  for (const auto& [calls, out] : {std::array{10, 320}, {10, 640}, {12, 1280}})  // the text, once per prompt
    b.linear(calls, 2, 77, 768, out);
  for (const auto& [calls, rows, in, out] :
       {std::array{5, 4096, 320, 2560}, {5, 1024, 640, 5120}, {5, 256, 1280, 10240}, {1, 64, 1280, 10240}})
    b.linear(calls, 2, b.pixels(rows), in, out, true);
}

// What the way up reads first; the shortcuts alone, as they would be of one tensor.
void add_unet_joins(Bench& b, bool shortcuts_alone) {
  for (const auto& [calls, side, below, skip, out] : {std::array{3, 8, 1280, 1280, 1280},
                                                      {2, 16, 1280, 1280, 1280},
                                                      {1, 16, 1280, 640, 1280},
                                                      {1, 32, 1280, 640, 640},
                                                      {1, 32, 640, 640, 640},
                                                      {1, 32, 640, 320, 640},
                                                      {1, 64, 640, 320, 320},
                                                      {2, 64, 320, 320, 320}})
    shortcuts_alone ? b.linear(calls, 2, b.side(side) * b.side(side), below + skip, out)
                    : b.joined(calls, 2, b.side(side), below, skip, out);
}

void add_unet_others(Bench& b) {
  b.linear(22, 2, 1, 1280, 1280);  // the time embedding
  for (const auto& [calls, queries, width] : {std::array{5, 4096, 40}, {5, 1024, 80}, {5, 256, 160}, {1, 64, 160}}) {
    b.attention(calls, 2, b.pixels(queries), b.pixels(queries), 8, width);
    b.attention(calls, 2, b.pixels(queries), 77, 8, width);
  }
  for (const auto& [calls, side, channels] : {std::array{14, 64, 320}, {13, 32, 640}, {14, 16, 1280}, {15, 8, 1280}})
    b.group_norm(calls, 2, b.side(side), channels);
  b.layer_norm(15, b.pixels(8192), 320), b.layer_norm(15, b.pixels(2048), 640), b.layer_norm(15, b.pixels(512), 1280);
}

void add_vae_decoder(Bench& b) {
  for (const auto& [calls, in, out, side] : {std::array{10, 512, 512, 64},
                                             {6, 512, 512, 128},
                                             {1, 512, 256, 256},
                                             {5, 256, 256, 256},
                                             {1, 256, 128, 512},
                                             {5, 128, 128, 512},
                                             {1, 128, 3, 512}})
    b.conv(calls, 1, in, out, b.side(side));
  b.conv(1, 1, 512, 512, b.side(64), 1, true), b.conv(1, 1, 512, 512, b.side(128), 1, true),
      b.conv(1, 1, 256, 256, b.side(256), 1, true);
  b.attention(1, 1, b.pixels(4096), b.pixels(4096), 1, 512);
  b.linear(4, 1, b.pixels(4096), 512, 512), b.linear(1, 1, b.pixels(65536), 512, 256),
      b.linear(1, 1, b.pixels(262144), 256, 128);
  for (const auto& [calls, side, channels] :
       {std::array{11, 64, 512}, {6, 128, 512}, {1, 256, 512}, {5, 256, 256}, {1, 512, 256}, {6, 512, 128}})
    b.group_norm(calls, 1, b.side(side), channels);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--threads")
      options.threads = std::atoi(value), ++i;
    else if (word == "--isa")
      options.isa = value, ++i;
    else if (word == "--side")
      options.side = std::max(1, std::atoi(value) / 64) * 64, ++i;
    else if (word == "--rounds")
      options.rounds = std::max(1, std::atoi(value)), ++i;
    else if (word == "--precision")
      options.precision = parse_precision(value), ++i;
    else
      options.filter = word;
  }
  return options;
}

}  // namespace
}  // namespace safelight

int main(int argc, char** argv) try {
  using safelight::Precision;
  const safelight::Options options = safelight::parse(argc, argv);
  safelight::Bench bench(options);
  const auto run = [&](std::string_view part, Precision other, auto&& add) {
    bench.begin(part, Precision::full);
    add();
    if (other != Precision::full) bench.begin(part, other), add();
    bench.report(options);
  };
  run("UNet step", options.precision, [&] {
    safelight::add_unet_convolutions(bench);
    safelight::add_unet_linears(bench);
    safelight::add_unet_joins(bench, options.precision != Precision::full);
    safelight::add_unet_others(bench);
  });
  // int8 is of the UNet alone
  run("VAE decode", options.precision == Precision::bf16 ? Precision::bf16 : Precision::full,
      [&] { safelight::add_vae_decoder(bench); });
} catch (const safelight::Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return safelight::exit_code(error.category());
}

#include "tasks/pace.h"

#include <algorithm>
#include <cmath>

#include "tasks/stopwatch.h"

namespace safelight {
namespace {

constexpr double kLeast = 60;           // ms that an op is called for
constexpr std::int64_t kLeastSide = 4;  // in latent pixels: below, edges are most of the work

Tensor zeros(DType type, Shape shape) {
  Tensor t = Tensor::allocate(type, std::move(shape));
  std::fill_n(t.mutable_data(), t.bytes(), std::byte{0});
  return t;
}

// The mean of the calls after one that fetches memory and wakes the threads. Not the best: what else the machine does
// will hold up the run, too.
template <class Op>
double mean_ms(Op op) {
  static_cast<void>(op());
  const Stopwatch stopwatch;
  int calls = 0;
  do {
    static_cast<void>(op());
    ++calls;
  } while (stopwatch.ms() < kLeast);
  return stopwatch.ms() / calls;
}

}  // namespace

double Pace::ms(const Work& work) const noexcept {
  double sum = 0;
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) sum += work.of[kind] * ms_per_unit.of[kind];
  return sum;
}

Pace measure_pace(Backend& backend, Precision precision, DType weights) {
  constexpr std::int64_t kSide = 32, kChannels = 640;
  const Tensor map = zeros(DType::F32, {2, kSide, kSide, kChannels});
  const Tensor tokens = map.reshaped({2, kSide * kSide, kChannels}), scale = zeros(DType::F32, {kChannels});
  const auto conv = backend.conv2d({.in = kChannels, .out = kChannels, .precision = precision},
                                   zeros(weights, {kChannels, kChannels, 3, 3}), Tensor());
  const auto linear = backend.linear({.in = kChannels, .out = kChannels, .precision = precision},
                                     zeros(weights, {kChannels, kChannels}), {});
  const auto norm = backend.group_norm({.channels = kChannels, .activation = Activation::silu}, scale, scale);
  Pace pace;
  const auto measure = [&](WorkKind kind, auto op) {
    const Rehearsal rehearsal = backend.rehearse([&] { static_cast<void>(op()); });
    pace.ms_per_unit[kind] = mean_ms(op) / rehearsal.work[kind];
  };
  measure(WorkKind::conv3x3, [&] { return (*conv)(map); });
  measure(WorkKind::product, [&] { return (*linear)(tokens); });
  measure(WorkKind::attention,
          [&] { return backend.attention(tokens, tokens, tokens, {.heads = 16, .precision = precision}); });
  measure(WorkKind::passing, [&] { return (*norm)(map); });
  backend.trim(0);
  return pace;
}

double ms_for_latents(const Pace& pace, const Work& whole, const Shape& latents,
                      const std::function<Trial(const Shape&)>& try_out) {
  const double by_pace = pace.ms(whole), share = by_pace > kTriedOut ? kTriedOut / by_pace : 1;
  const auto shortened = [&](std::int64_t side) {
    const auto wanted = static_cast<std::int64_t>(static_cast<double>(side) * std::sqrt(share));
    return std::min(side, std::max(kLeastSide, wanted));
  };
  const Trial part = try_out({latents[0], shortened(latents[1]), shortened(latents[2]), latents[3]});
  return part.ms * by_pace / pace.ms(part.work);
}

}  // namespace safelight

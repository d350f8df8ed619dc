#include "tasks/pace.h"

#include <algorithm>

#include "tasks/stopwatch.h"

namespace safelight {
namespace {

constexpr int kTimes = 3;  // of which the best counts, after one that fetches memory and wakes the threads

Tensor zeros(DType type, Shape shape) {
  Tensor t = Tensor::allocate(type, std::move(shape));
  std::fill_n(t.mutable_data(), t.bytes(), std::byte{0});
  return t;
}

template <class Op>
double fastest_ms(Op op) {
  static_cast<void>(op());
  double best = 0;
  for (int i = 0; i < kTimes; ++i) {
    const Stopwatch stopwatch;
    static_cast<void>(op());
    best = i == 0 ? stopwatch.ms() : std::min(best, stopwatch.ms());
  }
  return best;
}

}  // namespace

double Pace::ms(const Work& work) const noexcept {
  double sum = 0;
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) sum += work.of[kind] * ms_per_unit.of[kind];
  return sum;
}

Pace measure_pace(Backend& backend) {
  constexpr std::int64_t kSide = 32, kChannels = 640;
  const Tensor map = zeros(DType::F32, {2, kSide, kSide, kChannels});
  const Tensor tokens = map.reshaped({2, kSide * kSide, kChannels}), scale = zeros(DType::F32, {kChannels});
  const auto conv =
      backend.conv2d({.in = kChannels, .out = kChannels}, zeros(DType::F16, {kChannels, kChannels, 3, 3}), Tensor());
  const auto linear =
      backend.linear({.in = kChannels, .out = kChannels}, zeros(DType::F16, {kChannels, kChannels}), {});
  const auto norm = backend.group_norm({.channels = kChannels, .activation = Activation::silu}, scale, scale);
  Pace pace;
  const auto measure = [&](WorkKind kind, auto op) {
    const Rehearsal rehearsal = backend.rehearse([&] { static_cast<void>(op()); });
    pace.ms_per_unit[kind] = fastest_ms(op) / rehearsal.work[kind];
  };
  measure(WorkKind::conv3x3, [&] { return (*conv)(map); });
  measure(WorkKind::product, [&] { return (*linear)(tokens); });
  measure(WorkKind::attention, [&] { return backend.attention(tokens, tokens, tokens, {.heads = 8}); });
  measure(WorkKind::passing, [&] { return (*norm)(map); });
  backend.trim();
  return pace;
}

}  // namespace safelight

// A panel of a matrix product: some output channels, packed side by side, and the tail of their sums.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_PANEL_INL_H_
#undef SAFELIGHT_CPU_PANEL_INL_H_
#else
#define SAFELIGHT_CPU_PANEL_INL_H_
#endif

#include <algorithm>

#include "backends/cpu/kernels/epilogue-inl.h"
#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/weights-inl.h"
#include "backends/cpu/rounding.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// Which channels of y it makes, and how wide it is packed.
struct Panel {
  std::int64_t first, count;  // channels of y
  std::int64_t vectors;       // packed, with both halves of a geglu
};

// The first of those that make channels [first, end): full ones, but the last two share what is left, because narrow
// ones are slow.
inline Panel panel_at(const ProductCall& call, std::int64_t first, std::int64_t end) {
  const std::int64_t full = call.tail.geglu ? kPanel / 2 : kPanel, left = end - first;
  const std::int64_t count = left <= full ? left : left >= 2 * full ? full : round_up(divide_up(left, 2), kLanes);
  return {first, count, divide_up(count, kLanes) * (call.tail.geglu ? 2 : 1)};
}

// Calls use(panel) for those that make channels [begin, end).
template <class Use>
HWY_INLINE void for_each_panel(const ProductCall& call, std::int64_t begin, std::int64_t end, Use&& use) {
  while (begin < end) {
    const Panel panel = panel_at(call, begin, end);
    use(panel);
    begin += panel.count;
  }
}

// Output channels of a panel's vector, counting those of both halves of a geglu.
inline PanelColumns columns_of(const ProductCall& call, const Panel& panel, std::int64_t vector) {
  const std::int64_t halves = call.tail.geglu ? 2 : 1, of_half = panel.vectors / halves,
                     before = vector % of_half * kLanes;
  return {vector / of_half * call.channels + panel.first + before,
          std::min<std::int64_t>(kLanes, panel.count - before)};
}

// Of both halves: what they are multiplied with, and what is added to them; each may be null.
struct GegluTail {
  const float *value_scales, *gate_scales, *value_bias, *gate_bias;
  bool streams;
};

inline void finish_geglu_row(const float* values, const float* gates, std::int64_t count, const GegluTail& tail,
                             float* y) {
  for (std::int64_t c = 0; c < count; c += kLanes) {
    const std::int64_t left = count - c;
    V value = load(values + c), gate = load(gates + c);
    if (tail.value_scales) {
      value = hn::Mul(value, load_some(tail.value_scales + c, left));
      gate = hn::Mul(gate, load_some(tail.gate_scales + c, left));
    }
    if (tail.value_bias) {
      value = hn::Add(value, load_some(tail.value_bias + c, left));
      gate = hn::Add(gate, load_some(tail.gate_bias + c, left));
    }
    store_result(hn::Mul(value, gelu(gate)), y + c, left, tail.streams);
  }
}

// Applies the tail to `height` rows of one panel, the first of them row `row` of y.
inline void finish_tile(const ProductCall& call, const Panel& panel, const float* sums, std::int64_t stride,
                        std::int64_t row, std::int64_t height) {
  const Tail& tail = call.tail;
  const RowFinisher finish(call);
  const auto of = [&](const float* channels, std::int64_t half) {
    return channels ? channels + half + panel.first : nullptr;
  };
  for (std::int64_t i = 0; i < height; ++i, ++row, sums += stride) {
    if (tail.geglu)
      finish_geglu_row(sums, sums + panel.vectors / 2 * kLanes, panel.count,
                       {.value_scales = of(tail.scales, 0),
                        .gate_scales = of(tail.scales, call.channels),
                        .value_bias = of(tail.bias, 0),
                        .gate_bias = of(tail.bias, call.channels),
                        .streams = tail.streams},
                       call.y + row * call.channels + panel.first);
    else
      finish(sums, row, panel.first, panel.count);
  }
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

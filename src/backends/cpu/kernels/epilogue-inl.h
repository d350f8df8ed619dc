// What happens to a row of sums before it is stored.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_EPILOGUE_INL_H_
#undef SAFELIGHT_CPU_EPILOGUE_INL_H_
#else
#define SAFELIGHT_CPU_EPILOGUE_INL_H_
#endif

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

template <Activation kActivation>
HWY_INLINE V activate(V v) {
  if constexpr (kActivation == Activation::silu) return silu(v);
  if constexpr (kActivation == Activation::gelu) return gelu(v);
  if constexpr (kActivation == Activation::quick_gelu) return quick_gelu(v);
  return v;
}

// Pointers to what one row of a panel is multiplied with, and to what is added to it; each may be null.
struct RowTail {
  const float *scales, *bias, *per_image, *residual;
  bool streams;
};

template <Activation kActivation>
void finish_row(const float* sums, std::int64_t count, const RowTail& tail, float* y) {
  for (std::int64_t c = 0; c < count; c += kLanes) {
    const std::int64_t left = count - c;
    V v = load(sums + c);
    if (tail.scales) v = hn::Mul(v, load_some(tail.scales + c, left));
    if (tail.bias) v = hn::Add(v, load_some(tail.bias + c, left));
    if (tail.per_image) v = hn::Add(v, load_some(tail.per_image + c, left));
    v = activate<kActivation>(v);
    if (tail.residual) v = hn::Add(v, load_some(tail.residual + c, left));
    store_result(v, y + c, left, tail.streams);
  }
}

// The tail of a call, ready for any of its rows. Not for a geglu.
class RowFinisher {
 public:
  explicit RowFinisher(const ProductCall& call) : call_(call), finish_(for_activation(call.tail.activation)) {}

  // y[row][first .. first + count) = tail(sums).
  void operator()(const float* sums, std::int64_t row, std::int64_t first, std::int64_t count) const {
    const Tail& tail = call_.tail;
    const std::int64_t at = row * call_.channels + first;
    const std::int64_t image = tail.per_image ? row / tail.rows_per_image : 0;
    finish_(sums, count,
            {.scales = tail.scales ? tail.scales + first : nullptr,
             .bias = tail.bias ? tail.bias + first : nullptr,
             .per_image = tail.per_image ? tail.per_image + image * call_.channels + first : nullptr,
             .residual = tail.residual ? tail.residual + at : nullptr,
             .streams = tail.streams},
            call_.y + at);
  }

 private:
  using FinishRow = void (*)(const float*, std::int64_t, const RowTail&, float*);

  static FinishRow for_activation(Activation activation) {
    switch (activation) {
      case Activation::silu:
        return finish_row<Activation::silu>;
      case Activation::gelu:
        return finish_row<Activation::gelu>;
      case Activation::quick_gelu:
        return finish_row<Activation::quick_gelu>;
      case Activation::none:
        break;
    }
    return finish_row<Activation::none>;
  }

  const ProductCall& call_;
  FinishRow finish_;
};

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

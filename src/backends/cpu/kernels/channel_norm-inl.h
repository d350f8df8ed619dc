// What a group norm does to a vector of channels, wherever that is read.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_CHANNEL_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_CHANNEL_NORM_INL_H_
#undef SAFELIGHT_CPU_CHANNEL_NORM_INL_H_
#else
#define SAFELIGHT_CPU_CHANNEL_NORM_INL_H_
#endif

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// Of one image.
class NormOfImage {
 public:
  NormOfImage() = default;  // for who does not ask

  // REQUIRES: norm has coefficients.
  NormOfImage(const ChannelNorm& norm, std::int64_t image, std::int64_t channels)
      : means_(norm.coefficients + image * 3 * channels),
        scales_(means_ + channels),
        biases_(scales_ + channels),
        silu_(norm.silu) {}

  // Of channels from `c` on, of which there are `left`.
  template <bool kSilu>
  HWY_INLINE V of(V x, std::int64_t c, std::int64_t left) const {
    const V centred = hn::Sub(x, load_some(means_ + c, left));
    const V v = hn::MulAdd(centred, load_some(scales_ + c, left), load_some(biases_ + c, left));
    return kSilu ? silu(v) : v;
  }
  HWY_INLINE V of(V x, std::int64_t c, std::int64_t left) const {
    return silu_ ? of<true>(x, c, left) : of<false>(x, c, left);
  }

 private:
  const float *means_ = nullptr, *scales_ = nullptr, *biases_ = nullptr;
  bool silu_ = false;
};

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

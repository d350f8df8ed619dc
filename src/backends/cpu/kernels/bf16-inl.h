// Floats as numbers of bf16: rounded to one each, or taken apart into several.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_BF16_INL_H_
#undef SAFELIGHT_CPU_BF16_INL_H_
#else
#define SAFELIGHT_CPU_BF16_INL_H_
#endif

#include <algorithm>

#include "backends/cpu/kernels/split_product.h"
#include "backends/cpu/kernels/vector-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// Two vectors of floats, of which bf16 parts are taken, the largest first.
class Numbers {
 public:
  Numbers(V a, V b) : a_(a), b_(b) {}

  // The first 8 bits of what is left of each number, which are then taken off, exactly: those of a, then those of b.
  HWY_INLINE V take_part() {
    const hn::Repartition<std::uint16_t, D> d16;
    const V part = hn::BitCast(D(), hn::ConcatOdd(d16, hn::BitCast(d16, b_), hn::BitCast(d16, a_)));
    take_off();
    return part;
  }

  // The nearest bf16 of each number, ties to even: those of a, then those of b. Below 2^-126 they are zero.
  HWY_INLINE V rounded() const {
    __m512 result;
    asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(result) : "v"(a_.raw), "v"(b_.raw));
    return V{result};
  }

  V a() const { return a_; }
  V b() const { return b_; }

  // The same, of a and b by turns.
  HWY_INLINE V take_pairs() {
    const V part = hn::BitCast(D(), hn::Or(hn::ShiftRight<16>(hn::BitCast(DU(), a_)), upper_bits(b_)));
    take_off();
    return part;
  }
  HWY_INLINE V rounded_pairs() const {
    // 0, 16, 1, 17, ...: the numbers of the words of a and b, two in a lane.
    const auto turns = hn::Add(hn::Mul(hn::Iota(DU(), 0), hn::Set(DU(), 0x00010001u)), hn::Set(DU(), 0x00100000u));
    __m512 result;
    asm("vpermw %1, %2, %0" : "=v"(result) : "v"(rounded().raw), "v"(turns.raw));
    return V{result};
  }

 private:
  using DU = hn::RebindToUnsigned<D>;

  static HWY_INLINE hn::Vec<DU> upper_bits(V v) { return hn::And(hn::BitCast(DU(), v), hn::Set(DU(), 0xFFFF0000u)); }
  HWY_INLINE void take_off() {
    a_ = hn::Sub(a_, hn::BitCast(D(), upper_bits(a_)));
    b_ = hn::Sub(b_, hn::BitCast(D(), upper_bits(b_)));
  }

  V a_, b_;
};

// The 32 floats at p, of which there are `left`, then zeros. REQUIRES: 0 < left.
HWY_INLINE Numbers numbers_at(const float* p, std::int64_t left) {
  return {load_some(p, left), load_some(p + kLanes, std::max<std::int64_t>(left - kLanes, 0))};
}

// Floats of each row that are fetched before they are read: several rows are too many for the processor to guess.
constexpr std::int64_t kRowFetchedAhead = 4 * kSplitChannels;

// A row of a product's left side, which may lie in two matrices.
struct JoinedRow {
  const float *x, *rest;  // rest: null if there is none
  std::int64_t x_channels, rest_channels;
};

// Channels [at, at + 32) of a row; beyond its end zeros.
HWY_INLINE Numbers numbers_of(const JoinedRow& row, std::int64_t at) {
  const auto& [x, rest, x_channels, rest_channels] = row;
  __builtin_prefetch(x + at + kRowFetchedAhead);
  __builtin_prefetch(x + at + kRowFetchedAhead + kLineFloats);
  if (!rest || at + kSplitChannels <= x_channels) return numbers_at(x + at, x_channels - at);
  if (at >= x_channels) return numbers_at(rest + at - x_channels, x_channels + rest_channels - at);
  alignas(64) float both[kSplitChannels] = {};
  const std::int64_t of_rest = std::min(kSplitChannels - (x_channels - at), rest_channels);
  std::copy_n(rest, of_rest, std::copy_n(x + at, x_channels - at, both));
  return numbers_at(both, kSplitChannels);
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif

// The floating types of files as vectors of floats: load, store, and what a store loses.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_TENSOR_FLOAT_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_TENSOR_FLOAT_VECTORS_INL_H_
#undef SAFELIGHT_TENSOR_FLOAT_VECTORS_INL_H_
#else
#define SAFELIGHT_TENSOR_FLOAT_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "safelight/cast.h"

// Processors that convert halves by themselves: they keep a NaN's payload and set its quiet bit. Elsewhere Highway's
// own code would treat NaN otherwise, and ours below does what these do.
#undef SAFELIGHT_CONVERTS_HALVES
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || (HWY_ARCH_ARM_A64 && HWY_TARGET == HWY_NEON)
#define SAFELIGHT_CONVERTS_HALVES 1
#else
#define SAFELIGHT_CONVERTS_HALVES 0
#endif

HWY_BEFORE_NAMESPACE();
namespace safelight::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DU = hn::RebindToUnsigned<D>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;
using VU = hn::Vec<DU>;
inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

// A vector from and to any address, aligned or not.
#if HWY_TARGET == HWY_SCALAR
template <class DT>
HWY_INLINE hn::Vec<DT> load_bytes(DT d, const std::uint8_t* from) {
  hn::TFromD<DT> value;
  std::memcpy(&value, from, sizeof value);
  return hn::Set(d, value);
}
template <class DT>
HWY_INLINE void store_bytes(DT, hn::Vec<DT> v, std::uint8_t* to) {
  const hn::TFromD<DT> value = hn::GetLane(v);
  std::memcpy(to, &value, sizeof value);
}
#else
template <class DT>
HWY_INLINE hn::Vec<DT> load_bytes(DT d, const std::uint8_t* from) {
  return hn::BitCast(d, hn::LoadU(hn::Repartition<std::uint8_t, DT>(), from));
}
template <class DT>
HWY_INLINE void store_bytes(DT, hn::Vec<DT> v, std::uint8_t* to) {
  const hn::Repartition<std::uint8_t, DT> bytes;
  hn::StoreU(hn::BitCast(bytes, v), bytes, to);
}
#endif

HWY_INLINE VU splat(std::uint32_t value) { return hn::Set(DU(), value); }
HWY_INLINE VU select(hn::Mask<DU> mask, VU yes, VU no) { return hn::IfThenElse(mask, yes, no); }
HWY_INLINE VU magnitude(V v) { return hn::And(hn::BitCast(DU(), v), splat(0x7FFFFFFF)); }
inline constexpr std::uint32_t kInfinity = 0x7F800000, kQuiet = 0x00400000;

// Unsigned numbers below 2^31 are compared as signed ones, which every processor can.
HWY_INLINE hn::Mask<DU> above(VU a, std::uint32_t b) {
  return hn::RebindMask(DU(), hn::Gt(hn::BitCast(DI(), a), hn::Set(DI(), static_cast<std::int32_t>(b))));
}
HWY_INLINE hn::Mask<DU> below(VU a, std::uint32_t b) {
  return hn::RebindMask(DU(), hn::Lt(hn::BitCast(DI(), a), hn::Set(DI(), static_cast<std::int32_t>(b))));
}

// A float of `Exponent` and `Mantissa` bits with IEEE subnormals, in the low bits of 32.
template <int Exponent, int Mantissa>
struct Small {
  static constexpr int kMantissa = Mantissa;
  static constexpr int kBias = (1 << (Exponent - 1)) - 1;
  static constexpr int kSignShift = 31 - Exponent - Mantissa;
  static constexpr int kShift = 23 - Mantissa;  // from its mantissa to a float's
  static constexpr std::uint32_t kSmallestNormal = static_cast<std::uint32_t>(127 + 1 - kBias) << 23;

  // Exact, if the magnitude is finite.
  static HWY_INLINE VU widen(VU small) {
    const VU code = hn::And(small, splat((1u << (Exponent + Mantissa)) - 1));
    const VU normal = hn::Add(hn::ShiftLeft<kShift>(code), splat(static_cast<std::uint32_t>(127 - kBias) << 23));
    // A float that is subnormal itself would be slow: it is made from the integer.
    const float unit = std::bit_cast<float>(static_cast<std::uint32_t>(127 + 1 - kBias - Mantissa) << 23);
    const V subnormal = hn::Mul(hn::ConvertTo(D(), hn::BitCast(DI(), code)), hn::Set(D(), unit));
    return select(below(code, 1u << Mantissa), hn::BitCast(DU(), subnormal), normal);
  }

  static HWY_INLINE VU sign_to_float(VU small) { return hn::And(hn::ShiftLeft<kSignShift>(small), splat(0x80000000u)); }
  static HWY_INLINE VU sign_from_float(V v) {
    return hn::And(hn::ShiftRight<kSignShift>(hn::BitCast(DU(), v)), splat(1u << (Exponent + Mantissa)));
  }

  // Rounded to nearest even; beyond the largest exponent the codes go on as if it had more.
  static HWY_INLINE VU narrow(VU bits) {
    const VU odd = hn::And(hn::ShiftRight<kShift>(bits), splat(1));
    const VU bias = splat((static_cast<std::uint32_t>(kBias - 127) << 23) + (1u << (kShift - 1)) - 1);
    const VU normal = hn::ShiftRight<kShift>(hn::Add(hn::Add(bits, bias), odd));
    // Added to a number whose last bit is the smallest subnormal, a value is rounded by the addition.
    const V ruler = hn::BitCast(D(), splat(static_cast<std::uint32_t>(127 + 1 - kBias + 23 - Mantissa) << 23));
    const VU subnormal = hn::Sub(hn::BitCast(DU(), hn::Add(hn::BitCast(D(), bits), ruler)), hn::BitCast(DU(), ruler));
    return select(below(bits, kSmallestNormal), subnormal, normal);
  }
};

using Bytes = hn::Rebind<std::uint8_t, D>;
using Words = hn::Rebind<std::uint16_t, D>;
HWY_INLINE VU load_codes8(const std::uint8_t* from) { return hn::PromoteTo(DU(), load_bytes(Bytes(), from)); }
HWY_INLINE VU load_codes16(const std::uint8_t* from) { return hn::PromoteTo(DU(), load_bytes(Words(), from)); }
HWY_INLINE void store_codes8(VU codes, std::uint8_t* to) {
  store_bytes(Bytes(), hn::DemoteTo(Bytes(), hn::BitCast(DI(), codes)), to);
}
HWY_INLINE void store_codes16(VU codes, std::uint8_t* to) {
  store_bytes(Words(), hn::DemoteTo(Words(), hn::BitCast(DI(), codes)), to);
}

// The types. load() gives floats; only F64's loses anything. store() rounds. A magnitude m, as the bits of a float, is
// lost in overflow if kLastKept < m <= kLastLost, and becomes zero if 0 < m <= kLastVanished.

struct F32 {
  static constexpr int kBytes = 4;
  static HWY_INLINE V load(const std::uint8_t* from, CastLosses&) { return load_bytes(D(), from); }
  static HWY_INLINE void store(V v, std::uint8_t* to) { store_bytes(D(), v, to); }
};

// A vector of doubles has half as many lanes.
struct F64 {
  static constexpr int kBytes = 8;
#if HWY_TARGET == HWY_SCALAR
  using Part = D;
  using Doubles = hn::Rebind<double, Part>;
  // Highway's own would stop at the largest float.
  static HWY_INLINE V rounded(hn::Vec<Doubles> v) { return hn::Set(D(), static_cast<float>(hn::GetLane(v))); }
  static HWY_INLINE V load(const std::uint8_t* from, CastLosses& losses) { return load_part(from, losses); }
  static HWY_INLINE void store(V v, std::uint8_t* to) { store_bytes(Doubles(), hn::PromoteTo(Doubles(), v), to); }
#else
  using Part = hn::Half<D>;
  using Doubles = hn::Rebind<double, Part>;
  static HWY_INLINE hn::Vec<Part> rounded(hn::Vec<Doubles> v) { return hn::DemoteTo(Part(), v); }
  static HWY_INLINE V load(const std::uint8_t* from, CastLosses& losses) {
    const auto lower = load_part(from, losses);
    return hn::Combine(D(), load_part(from + kLanes / 2 * kBytes, losses), lower);
  }
  static HWY_INLINE void store(V v, std::uint8_t* to) {
    store_bytes(Doubles(), hn::PromoteTo(Doubles(), hn::LowerHalf(Part(), v)), to);
    store_bytes(Doubles(), hn::PromoteTo(Doubles(), hn::UpperHalf(Part(), v)), to + kLanes / 2 * kBytes);
  }
#endif

 private:
  static HWY_INLINE hn::Vec<Part> load_part(const std::uint8_t* from, CastLosses& losses) {
    const Doubles d;
    const auto exact = load_bytes(d, from);
    const auto result = rounded(exact);
    const auto back = hn::Abs(hn::PromoteTo(d, result));
    const auto infinity = hn::Set(d, std::bit_cast<double>(std::uint64_t{0x7FF0000000000000})), zero = hn::Zero(d);
    losses.overflowed += hn::CountTrue(d, hn::And(hn::Eq(back, infinity), hn::Lt(hn::Abs(exact), infinity)));
    losses.vanished += hn::CountTrue(d, hn::And(hn::Eq(back, zero), hn::Gt(hn::Abs(exact), zero)));
    return result;
  }
};

struct F16 {
  static constexpr int kBytes = 2;
  static constexpr std::uint32_t kLastKept = 0x477FEFFF, kLastLost = kInfinity - 1;  // 65520 is the first to go
  static constexpr std::uint32_t kLastVanished = 0x33000000;                         // 2^-25, a tie
  using Layout = Small<5, 10>;

  static HWY_INLINE V from_codes(VU codes) {
#if SAFELIGHT_CONVERTS_HALVES
    // The processor makes NaNs quiet, but for a compiler a half that becomes a float and a half again is the same half.
    const VU quiet = select(above(hn::And(codes, splat(0x7FFF)), 0x7C00), hn::Or(codes, splat(0x0200)), codes);
    const hn::Rebind<hwy::float16_t, D> halves;
    return hn::PromoteTo(D(), hn::BitCast(halves, hn::DemoteTo(Words(), hn::BitCast(DI(), quiet))));
#else
    const VU code = hn::And(codes, splat(0x7FFF));
    const VU payload = hn::ShiftLeft<13>(hn::And(code, splat(0x3FF)));
    const VU nan = hn::Or(payload, splat(kInfinity | kQuiet));
    const VU special = select(above(code, 0x7C00), nan, splat(kInfinity));
    const VU value = select(above(code, 0x7BFF), special, Layout::widen(codes));
    return hn::BitCast(D(), hn::Or(Layout::sign_to_float(codes), value));
#endif
  }
  static HWY_INLINE V load(const std::uint8_t* from, CastLosses&) {
#if SAFELIGHT_CONVERTS_HALVES
    return hn::PromoteTo(D(), load_bytes(hn::Rebind<hwy::float16_t, D>(), from));
#else
    return from_codes(load_codes16(from));
#endif
  }
  static HWY_INLINE void store(V v, std::uint8_t* to) {
#if SAFELIGHT_CONVERTS_HALVES
    const hn::Rebind<hwy::float16_t, D> halves;
    store_bytes(halves, hn::DemoteTo(halves, v), to);
#else
    const VU bits = magnitude(v);
    const VU nan = hn::Or(splat(0x7E00), hn::And(hn::ShiftRight<13>(bits), splat(0x3FF)));
    const VU number = select(above(bits, kLastKept), splat(0x7C00), Layout::narrow(bits));
    store_codes16(hn::Or(Layout::sign_from_float(v), select(above(bits, kInfinity), nan, number)), to);
#endif
  }
};

struct BF16 {
  static constexpr int kBytes = 2;
  static constexpr std::uint32_t kLastKept = 0x7F7F7FFF, kLastLost = kInfinity - 1;
  static constexpr std::uint32_t kLastVanished = 0x00008000;

  static HWY_INLINE V load(const std::uint8_t* from, CastLosses&) {
    return hn::BitCast(D(), hn::ShiftLeft<16>(load_codes16(from)));
  }
  static HWY_INLINE void store(V v, std::uint8_t* to) {
    const VU bits = hn::BitCast(DU(), v);
    const VU odd = hn::And(hn::ShiftRight<16>(bits), splat(1));
    const VU rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, splat(0x7FFF)), odd));
    store_codes16(select(above(magnitude(v), kInfinity), splat(0x7FC0), rounded), to);
  }
};

// The "fn" form: no infinity, S.1111.111 is NaN, 448 the largest.
struct E4M3 {
  static constexpr int kBytes = 1;
  static constexpr std::uint32_t kLastKept = 0x43E80000, kLastLost = kInfinity;  // 464 is a tie, and rounds to 448
  static constexpr std::uint32_t kLastVanished = 0x3A800000;                     // 2^-10
  using Layout = Small<4, 3>;

  static HWY_INLINE V load(const std::uint8_t* from, CastLosses&) {
    const VU codes = load_codes8(from);
    const auto nan = hn::Eq(hn::And(codes, splat(0x7F)), splat(0x7F));
    return hn::BitCast(D(), hn::Or(Layout::sign_to_float(codes), select(nan, splat(0x7FF00000), Layout::widen(codes))));
  }
  static HWY_INLINE void store(V v, std::uint8_t* to) {
    const VU bits = magnitude(v);
    const VU number = select(above(bits, kLastKept), splat(0x7E), Layout::narrow(bits));
    store_codes8(hn::Or(Layout::sign_from_float(v), select(above(bits, kInfinity), splat(0x7F), number)), to);
  }
};

// The upper byte of a half.
struct E5M2 {
  static constexpr int kBytes = 1;
  static constexpr std::uint32_t kLastKept = 0x476FFFFF, kLastLost = kInfinity - 1;  // 61440 is the first to go
  static constexpr std::uint32_t kLastVanished = 0x37000000;                         // 2^-17
  using Layout = Small<5, 2>;

  static HWY_INLINE V load(const std::uint8_t* from, CastLosses&) {
    return F16::from_codes(hn::ShiftLeft<8>(load_codes8(from)));
  }
  static HWY_INLINE void store(V v, std::uint8_t* to) {
    const VU bits = magnitude(v);
    const VU number = select(above(bits, kLastKept), splat(0x7C), Layout::narrow(bits));
    store_codes8(hn::Or(Layout::sign_from_float(v), select(above(bits, kInfinity), splat(0x7F), number)), to);
  }
};

// Whether `To` has every number that a vector of floats made from `From` can hold, so that nothing is to be counted.
template <class To, class From>
inline constexpr bool kHolds = std::is_same_v<To, F32> || std::is_same_v<To, F64> || std::is_same_v<To, From> ||
                               (From::kBytes == 1 && To::kBytes == 2);

template <class To>
HWY_INLINE void count_losses(V v, CastLosses& losses) {
  const VU bits = magnitude(v);
  const auto overflowed = hn::And(above(bits, To::kLastKept), below(bits, To::kLastLost + 1));
  const auto vanished = hn::And(above(bits, 0), below(bits, To::kLastVanished + 1));
  losses.overflowed += hn::CountTrue(DU(), overflowed);
  losses.vanished += hn::CountTrue(DU(), vanished);
}

}  // namespace
}  // namespace safelight::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

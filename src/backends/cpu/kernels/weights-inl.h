// Weights as they lie in the file: widening loads, and packing into panels.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_WEIGHTS_INL_H_
#undef SAFELIGHT_CPU_WEIGHTS_INL_H_
#else
#define SAFELIGHT_CPU_WEIGHTS_INL_H_
#endif

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// A vector from any address, aligned or not.
template <class DT>
HWY_INLINE hn::Vec<DT> load_bytes(DT d, const std::uint8_t* from) {
#if HWY_TARGET == HWY_SCALAR
  hn::TFromD<DT> value;
  std::memcpy(&value, from, sizeof value);
  return hn::Set(d, value);
#else
  return hn::BitCast(d, hn::LoadU(hn::Repartition<std::uint8_t, DT>(), from));
#endif
}

// One vector of weights. All conversions are exact, subnormals included.
struct F32Weights {
  static constexpr DType kType = DType::F32;
  static constexpr int kBytes = 4;
  static HWY_INLINE V widen(const std::uint8_t* from) { return load_bytes(D(), from); }
};

using Halves = hn::Rebind<hwy::float16_t, D>;
HWY_INLINE V widen_halves(hn::Vec<Halves> halves) {
  const V value = hn::PromoteTo(D(), halves);
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || (HWY_ARCH_ARM_A64 && HWY_TARGET == HWY_NEON)
  return value;  // by the processor
#else
  // Highway's own conversion goes on counting where infinity and what is no number begin.
  const V special = hn::Or(value, hn::Inf(D()));
  return hn::IfThenElse(hn::Ge(hn::Abs(value), splat(65536)), special, value);
#endif
}

struct F16Weights {
  static constexpr DType kType = DType::F16;
  static constexpr int kBytes = 2;
  static HWY_INLINE V widen(const std::uint8_t* from) { return widen_halves(load_bytes(Halves(), from)); }
};

struct BF16Weights {
  static constexpr DType kType = DType::BF16;
  static constexpr int kBytes = 2;
  static HWY_INLINE V widen(const std::uint8_t* from) {
    return hn::PromoteTo(D(), load_bytes(hn::Rebind<hwy::bfloat16_t, D>(), from));
  }
};

// Eight bits become a half first, whose conversion does not stumble over subnormals.
using Codes = hn::Rebind<std::uint16_t, D>;
HWY_INLINE hn::Vec<Codes> load_codes(const std::uint8_t* from) {
  return hn::PromoteTo(Codes(), load_bytes(hn::Rebind<std::uint8_t, D>(), from));
}
HWY_INLINE V widen_codes(hn::Vec<Codes> codes) { return widen_halves(hn::BitCast(Halves(), codes)); }

// The upper byte of a half.
struct E5M2Weights {
  static constexpr DType kType = DType::F8_E5M2;
  static constexpr int kBytes = 1;
  static HWY_INLINE V widen(const std::uint8_t* from) { return widen_codes(hn::ShiftLeft<8>(load_codes(from))); }
};

// Its exponent's bias is 7, a half's is 15. It has no infinity; S.1111.111, which would be 480, is no number.
struct E4M3Weights {
  static constexpr DType kType = DType::F8_E4M3;
  static constexpr int kBytes = 1;
  static HWY_INLINE V widen(const std::uint8_t* from) {
    const Codes d;
    const auto codes = load_codes(from);
    const auto sign = hn::ShiftLeft<8>(hn::And(codes, hn::Set(d, 0x80)));
    const auto magnitude = hn::ShiftLeft<7>(hn::And(codes, hn::Set(d, 0x7F)));
    const V value = hn::Mul(widen_codes(hn::Or(sign, magnitude)), splat(256));
    return hn::IfThenElse(hn::Gt(hn::Abs(value), splat(448)), hn::NaN(D()), value);
  }
};

struct I8Weights {
  static constexpr DType kType = DType::I8;
  static constexpr int kBytes = 1;
  static HWY_INLINE V widen(const std::uint8_t* from) {
    const hn::RebindToSigned<D> di;
    return hn::ConvertTo(D(), hn::PromoteTo(di, load_bytes(hn::Rebind<std::int8_t, decltype(di)>(), from)));
  }
};

// Calls use(F16Weights()), or whatever describes `type`. REQUIRES: type is F32, F16, BF16, F8_E4M3, F8_E5M2 or I8.
template <class Use>
HWY_INLINE auto for_stored(DType type, Use&& use) {
  if (type == DType::F16) return use(F16Weights());
  if (type == DType::BF16) return use(BF16Weights());
  if (type == DType::F8_E4M3) return use(E4M3Weights());
  if (type == DType::F8_E5M2) return use(E5M2Weights());
  if (type == DType::I8) return use(I8Weights());
  return use(F32Weights());
}

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void transpose(V (&)[1]) {}
#else
HWY_INLINE V interleave_lower_pairs(V a, V b) {
  const hn::Repartition<double, D> dw;
  return hn::BitCast(D(), hn::InterleaveLower(dw, hn::BitCast(dw, a), hn::BitCast(dw, b)));
}
HWY_INLINE V interleave_upper_pairs(V a, V b) {
  const hn::Repartition<double, D> dw;
  return hn::BitCast(D(), hn::InterleaveUpper(dw, hn::BitCast(dw, a), hn::BitCast(dw, b)));
}

// In place: element j of row i becomes element i of row j.
HWY_INLINE void transpose(V (&rows)[kLanes]) {
  const D d;
  // Within the 128-bit blocks: block b of columns[4g + q] holds column 4b + q of rows 4g to 4g + 3.
  V columns[kLanes];
  SAFELIGHT_UNROLL
  for (int g = 0; g < kLanes; g += 4) {
    const V lower01 = hn::InterleaveLower(d, rows[g], rows[g + 1]);
    const V upper01 = hn::InterleaveUpper(d, rows[g], rows[g + 1]);
    const V lower23 = hn::InterleaveLower(d, rows[g + 2], rows[g + 3]);
    const V upper23 = hn::InterleaveUpper(d, rows[g + 2], rows[g + 3]);
    columns[g] = interleave_lower_pairs(lower01, lower23);
    columns[g + 1] = interleave_upper_pairs(lower01, lower23);
    columns[g + 2] = interleave_lower_pairs(upper01, upper23);
    columns[g + 3] = interleave_upper_pairs(upper01, upper23);
  }
  SAFELIGHT_UNROLL
  for (int q = 0; q < 4; ++q) {
#if HWY_MAX_BYTES == 64
    const V a = columns[q], b = columns[4 + q], c = columns[8 + q], e = columns[12 + q];
    const V even_ab = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(b), a);
    const V even_ce = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(e), c);
    const V odd_ab = hn::OddEvenBlocks(b, hn::SwapAdjacentBlocks(a));
    const V odd_ce = hn::OddEvenBlocks(e, hn::SwapAdjacentBlocks(c));
    rows[q] = hn::ConcatLowerLower(d, even_ce, even_ab);
    rows[4 + q] = hn::ConcatLowerLower(d, odd_ce, odd_ab);
    rows[8 + q] = hn::ConcatUpperUpper(d, even_ce, even_ab);
    rows[12 + q] = hn::ConcatUpperUpper(d, odd_ce, odd_ab);
#elif HWY_MAX_BYTES == 32
    rows[q] = hn::ConcatLowerLower(d, columns[4 + q], columns[q]);
    rows[4 + q] = hn::ConcatUpperUpper(d, columns[4 + q], columns[q]);
#else
    rows[q] = columns[q];
#endif
  }
}

#endif

// The first `count` weights at `from`, then zeros; touches no others. REQUIRES: 0 <= count.
template <class Stored>
HWY_INLINE V widen_some(const std::uint8_t* from, std::int64_t count) {
  if (count >= kLanes) return Stored::widen(from);
  alignas(64) std::uint8_t edge[kLanes * Stored::kBytes] = {};
  std::memcpy(edge, from, static_cast<std::size_t>(count) * Stored::kBytes);
  return Stored::widen(edge);
}

// Bytes of each weight row that are fetched before they are packed: rows are too many for the processor to guess. A
// product of 154 rows takes 0.69 ms with it, 0.75 without.
constexpr std::int64_t kFetchedAhead = 128;

// Where one vector of a panel's columns comes from: output channels [first, first + count), count <= kLanes.
struct PanelColumns {
  std::int64_t first, count;
};

// Packs in-channels [in_begin, in_end) of those output channels: to[(tap * run + i) * stride + lane], run = in_end -
// in_begin; lanes from `count` on are zero.
template <class Stored>
void pack_columns(const StoredWeight& w, PanelColumns columns, std::int64_t in_begin, std::int64_t in_end, float* to,
                  std::int64_t stride) {
  const std::int64_t run = in_end - in_begin, length = run * w.taps, row_bytes = w.in * w.taps * Stored::kBytes;
  const auto* from =
      reinterpret_cast<const std::uint8_t*>(w.data) + columns.first * row_bytes + in_begin * w.taps * Stored::kBytes;
  alignas(64) std::uint8_t edge[kLanes * kLanes * Stored::kBytes];
  std::int64_t tap = 0, i = 0;  // of the element that is stored next
  for (std::int64_t at = 0; at < length; at += kLanes, from += kLanes * Stored::kBytes) {
    const std::int64_t width = length - at < kLanes ? length - at : kLanes;
    const std::uint8_t* block = from;
    std::int64_t block_stride = row_bytes;
    if (width < kLanes || columns.count < kLanes) {  // at an edge: nothing beyond the weight may be touched
      std::memset(edge, 0, sizeof edge);
      block_stride = kLanes * Stored::kBytes;
      for (std::int64_t r = 0; r < columns.count; ++r)
        std::memcpy(edge + r * block_stride, from + r * row_bytes, static_cast<std::size_t>(width) * Stored::kBytes);
      block = edge;
    }
    V rows[kLanes];
    SAFELIGHT_UNROLL
    for (int r = 0; r < kLanes; ++r) {
      __builtin_prefetch(from + r * row_bytes + kFetchedAhead);
      rows[r] = Stored::widen(block + r * block_stride);
    }
    transpose(rows);
    if (w.taps == 1 && width == kLanes) {
      SAFELIGHT_UNROLL
      for (int r = 0; r < kLanes; ++r) hn::Store(rows[r], D(), to + (i + r) * stride);
      i += kLanes;
      continue;
    }
    for (int r = 0; r < width; ++r) {
      hn::Store(rows[r], D(), to + (tap * run + i) * stride);
      if (++tap == w.taps) tap = 0, ++i;
    }
  }
}

// As pack_columns, for any stored type.
inline void pack_columns_of(const StoredWeight& w, PanelColumns columns, std::int64_t in_begin, std::int64_t in_end,
                            float* to, std::int64_t stride) {
  for_stored(w.type, [&]<class Stored>(Stored) { pack_columns<Stored>(w, columns, in_begin, in_end, to, stride); });
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

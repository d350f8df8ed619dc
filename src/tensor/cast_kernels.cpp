// Every cast goes through a vector of floats: load (exact, but for F64), then store (rounded to nearest even). That F64
// is rounded twice on its way to a small type is torch's way, too.
#include "tensor/cast_kernels.h"

#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tensor/cast_kernels.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include "tensor/float_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::HWY_NAMESPACE {
namespace {

template <class From, class To>
HWY_INLINE void cast_vector(const std::uint8_t* from, std::uint8_t* to, CastLosses& losses) {
  CastLosses loading;
  const V v = From::load(from, loading);
  // An infinity that F64 became on the way is counted once: here, or where it saturates.
  if constexpr (std::is_same_v<To, E4M3>) loading.overflowed = 0;
  losses += loading;
  if constexpr (!kHolds<To, From>) count_losses<To>(v, losses);
  To::store(v, to);
}

// Not inlined: called for all whole vectors, and for the edge.
template <class From, class To>
HWY_NOINLINE void cast_vectors(const std::uint8_t* from, std::int64_t vectors, std::uint8_t* to, CastLosses& losses) {
  for (std::int64_t i = 0; i < vectors; ++i)
    cast_vector<From, To>(from + i * kLanes * From::kBytes, to + i * kLanes * To::kBytes, losses);
}

template <class From, class To>
CastLosses cast_values(const std::byte* from, std::int64_t count, std::byte* to) {
  CastLosses losses;
  const auto* in = reinterpret_cast<const std::uint8_t*>(from);
  auto* out = reinterpret_cast<std::uint8_t*>(to);
  const std::int64_t whole = count / kLanes * kLanes;
  cast_vectors<From, To>(in, count / kLanes, out, losses);
  if (whole == count) return losses;
  const auto rest = static_cast<std::size_t>(count - whole);
  std::uint8_t edge_in[kLanes * From::kBytes] = {}, edge_out[kLanes * To::kBytes];  // zeros lose nothing
  std::memcpy(edge_in, in + whole * From::kBytes, rest * From::kBytes);
  cast_vectors<From, To>(edge_in, 1, edge_out, losses);
  std::memcpy(out + whole * To::kBytes, edge_out, rest * To::kBytes);
  return losses;
}

// F64 to F64 and the like: the bits as they are, the payload of a NaN included.
template <class Type>
CastLosses copy_values(const std::byte* from, std::int64_t count, std::byte* to) {
  std::memcpy(to, from, static_cast<std::size_t>(count) * Type::kBytes);
  return {};
}

template <class From>
CastKernel from_type(DType to) {
  const auto pair = []<class To>(To) -> CastKernel {
    if constexpr (std::is_same_v<From, To>)
      return copy_values<From>;
    else
      return cast_values<From, To>;
  };
  if (to == DType::F64) return pair(F64());
  if (to == DType::F32) return pair(F32());
  if (to == DType::F16) return pair(F16());
  if (to == DType::BF16) return pair(BF16());
  if (to == DType::F8_E4M3) return pair(E4M3());
  return pair(E5M2());
}

CastKernel find_kernel(DType from, DType to) {
  if (from == DType::F64) return from_type<F64>(to);
  if (from == DType::F32) return from_type<F32>(to);
  if (from == DType::F16) return from_type<F16>(to);
  if (from == DType::BF16) return from_type<BF16>(to);
  if (from == DType::F8_E4M3) return from_type<E4M3>(to);
  return from_type<E5M2>(to);
}

}  // namespace
}  // namespace safelight::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace safelight {
HWY_EXPORT(find_kernel);

CastKernel cast_kernel(DType from, DType to) { return HWY_DYNAMIC_DISPATCH(find_kernel)(from, to); }

}  // namespace safelight
#endif

// Plain conversion of stored weights to float.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/widen.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

template <class Stored>
void widen_all(const std::uint8_t* from, std::int64_t count, float* to) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(Stored::widen(from + i * Stored::kBytes), to + i);
  if (i < count) store_some(widen_some<Stored>(from + i * Stored::kBytes, count - i), to + i, count - i);
}

}  // namespace

void widen(DType type, const std::byte* from, std::int64_t count, float* to) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(from);
  for_stored(type, [&]<class Stored>(Stored) { widen_all<Stored>(bytes, count, to); });
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

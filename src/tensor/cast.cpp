#include "safelight/cast.h"

#include "core/fail.h"
#include "tensor/cast_kernels.h"

namespace safelight {

bool can_cast(DType dtype) noexcept {
  switch (dtype) {
    case DType::F64:
    case DType::F32:
    case DType::F16:
    case DType::BF16:
    case DType::F8_E4M3:
    case DType::F8_E5M2:
      return true;
    default:
      return false;
  }
}

Tensor cast(const Tensor& t, DType to, CastLosses* losses) {
  for (const DType dtype : {t.dtype(), to})
    if (!can_cast(dtype))
      fail(ErrorCategory::usage, "[cast] expected F64, F32, F16, BF16, F8_E4M3 or F8_E5M2, found {}", name(dtype));
  if (t.dtype() == to) return t;
  Tensor result = Tensor::allocate(to, t.shape());
  const CastLosses lost = cast_kernel(t.dtype(), to)(t.data(), t.elements(), result.mutable_data());
  if (losses) *losses += lost;
  return result;
}

}  // namespace safelight

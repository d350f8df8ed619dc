#include "safelight/dtype.h"

#include <iterator>

#include "safelight/safelight.h"

using namespace safelight;

#define SAFELIGHT_SAME(NAME) static_assert(static_cast<int>(DType::NAME) == SAFELIGHT_##NAME)
SAFELIGHT_SAME(BOOL);
SAFELIGHT_SAME(F4);
SAFELIGHT_SAME(F6_E2M3);
SAFELIGHT_SAME(F6_E3M2);
SAFELIGHT_SAME(U8);
SAFELIGHT_SAME(I8);
SAFELIGHT_SAME(F8_E5M2);
SAFELIGHT_SAME(F8_E4M3);
SAFELIGHT_SAME(F8_E8M0);
SAFELIGHT_SAME(F8_E4M3FNUZ);
SAFELIGHT_SAME(F8_E5M2FNUZ);
SAFELIGHT_SAME(I16);
SAFELIGHT_SAME(U16);
SAFELIGHT_SAME(F16);
SAFELIGHT_SAME(BF16);
SAFELIGHT_SAME(I32);
SAFELIGHT_SAME(U32);
SAFELIGHT_SAME(F32);
SAFELIGHT_SAME(C64);
SAFELIGHT_SAME(F64);
SAFELIGHT_SAME(I64);
SAFELIGHT_SAME(U64);
#undef SAFELIGHT_SAME

namespace {

const DTypeInfo* row(safelight_dtype dtype) noexcept {
  return dtype >= 0 && dtype < std::ssize(dtypes()) ? &dtypes()[static_cast<std::size_t>(dtype)] : nullptr;
}

}  // namespace

// The table's names are literals, so they end with a NUL.
const char* safelight_dtype_name(safelight_dtype dtype) { return row(dtype) ? row(dtype)->name.data() : nullptr; }
uint32_t safelight_dtype_bits(safelight_dtype dtype) {
  return row(dtype) ? static_cast<uint32_t>(row(dtype)->bits) : 0;
}

// The size of an array.
#pragma once

#include "safelight/tensor.h"

namespace safelight {

// Packed elements may leave the last byte half empty. REQUIRES: the bits fit 64 bits.
inline std::uint64_t byte_size(DType dtype, std::int64_t elements) noexcept {
  return (static_cast<std::uint64_t>(elements) * static_cast<std::uint64_t>(bits(dtype)) + 7) / 8;
}
inline std::uint64_t byte_size(DType dtype, const Shape& shape) noexcept { return byte_size(dtype, elements(shape)); }

}  // namespace safelight

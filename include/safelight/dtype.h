// The element types of the SafeTensors format: one table, from which every lookup derives.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace safelight {

// The 22 types. Their order is the format's on-disk sort key (the writer sorts by it, descending).
enum class DType : std::uint8_t {
  BOOL,
  F4,
  F6_E2M3,
  F6_E3M2,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64,
};

struct DTypeInfo {
  DType dtype;
  std::string_view name;  // as written in a header, e.g. "BF16"
  int bits;               // per element; 4 and 6 for the packed types
};

// All types, in the order of the enum.
std::span<const DTypeInfo> dtypes() noexcept;

const DTypeInfo& info(DType dtype) noexcept;
inline std::string_view name(DType dtype) noexcept { return info(dtype).name; }
inline int bits(DType dtype) noexcept { return info(dtype).bits; }

// The type with this exact (case-sensitive) name, if there is one.
std::optional<DType> parse_dtype(std::string_view name) noexcept;

}  // namespace safelight

// Numbers as files have them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace safelight {

inline std::uint64_t little_endian_u64(std::span<const std::byte, 8> bytes) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return number;
}

}  // namespace safelight

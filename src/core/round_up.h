// Rounding sizes in bytes.
#pragma once

#include <cstddef>

namespace safelight {

// The next multiple of `unit`. REQUIRES: unit > 0.
constexpr std::size_t round_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace safelight

// Numbers of a JSON header, judged as the reference's parser judges them.
#pragma once

#include <cstdint>
#include <string_view>

namespace safelight {

enum class NumberKind {
  malformed,     // not a number of the JSON grammar
  out_of_range,  // a number too large for a double, by the reference's arithmetic
  other,         // a number, but not an unsigned integer: 4.0, 4e0, -0, -1, 18446744073709551616
  unsigned_integer,
};

struct Number {
  NumberKind kind = NumberKind::malformed;
  std::uint64_t value = 0;  // of an unsigned integer
};

// `token`: the whole token, without white space around it.
Number parse_number(std::string_view token) noexcept;

}  // namespace safelight

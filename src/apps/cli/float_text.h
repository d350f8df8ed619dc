// Numbers with the fewest digits that tell them from their neighbours in their type.
#pragma once

#include <string>

#include "safelight/dtype.h"

namespace safelight::cli {

// |value| = 0.DIGITS x 10^exponent, as few digits as identify it in its type (floats of 8 bits: in F32), but at most
// `digits` after the first or, if `fraction`, after the point; then the exact value is rounded to that, half to even.
// Without zeros at the end; "0" has none. REQUIRES: finite.
struct Decimal {
  std::string digits;
  int exponent = 0;
};
Decimal shortest_decimal(DType dtype, double value, int most_digits, bool fraction);

}  // namespace safelight::cli

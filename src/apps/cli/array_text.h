// The values of a tensor as text, as NumPy prints arrays.
#pragma once

#include <cstdint>
#include <string>

#include "safelight/tensor.h"

namespace safelight::cli {

struct ArrayTextOptions {
  int precision = 8;              // digits after the point, at most
  std::int64_t threshold = 1000;  // of more values only the edges are shown
  std::int64_t edge = 3;          // values at each end of an axis
  std::size_t width = 75;         // columns
};

// What numpy.array2string gives with these options; of F8 types and BF16, each value with the fewest digits that tell
// it from its neighbours. Only values that are shown are looked at. Throws Error(format) for types that have no number
// per element.
std::string array_text(const Tensor& tensor, const ArrayTextOptions& options = {});

// The value at a flat position: a JSON number, true or false, a list of two for complex ones; "NaN", "Infinity" and
// "-Infinity" are strings.
std::string json_value(const Tensor& tensor, std::int64_t position);

}  // namespace safelight::cli

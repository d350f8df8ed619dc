// Which of NumPy's element types are which of ours.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "safelight/dtype.h"

namespace safelight::foreign {

struct NumpyType {
  DType dtype = DType::F32;
  bool big_endian = false;
};

// "<f4", "|b1", ">i8", "f4" (little-endian). Nothing for types that the SafeTensors format lacks.
std::optional<NumpyType> parse_numpy_type(std::string_view text) noexcept;

// "<f4"; empty for types that NumPy lacks (BF16, F8_*, ...).
std::string_view numpy_type(DType dtype) noexcept;

// Whether NumPy is sure to take elements of this type as plain bytes. It reads many spellings ("object", "U4,O"): what
// is not understood here may stand for Python objects.
bool is_plain_numpy_type(std::string_view text) noexcept;

// Why parse_numpy_type() knows nothing: "an array of Python objects, which is a pickle", "text", "complex128", ...
std::string explain_numpy_type(std::string_view text);

}  // namespace safelight::foreign

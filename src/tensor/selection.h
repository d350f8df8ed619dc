// From an index, as text or as a value, to the bytes it means.
#pragma once

#include <string_view>

#include "safelight/indexing.h"
#include "tensor/strided_copy.h"

namespace safelight {

struct Selection {
  Shape shape;       // of the result
  StridedCopy copy;  // from the tensor's first byte to the result's first
};

// `name`: of the tensor, for the message. Throws Error(usage): see slice().
Selection select(std::string_view name, DType dtype, const Shape& shape, const Slices& slices);

}  // namespace safelight

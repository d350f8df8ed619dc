// NumPy's arrays and element types inside pickles.
#pragma once

#include <optional>
#include <string_view>

#include "format/foreign/numpy_types.h"
#include "format/foreign/pickle_machine.h"
#include "format/foreign/pickled_tensor.h"

namespace safelight::foreign {

// The type that a numpy.dtype object stands for; nothing if the value is none, or a type that we lack.
std::optional<NumpyType> as_numpy_type(const PickleRun& run, Ref ref);

// The array that the value stands for; nothing if it is no array. Throws Error(format) for an array that cannot be
// read (objects, records, ...), naming it `name`.
std::optional<PickledTensor> as_numpy_array(const PickleRun& run, Ref ref, std::string_view name);

}  // namespace safelight::foreign

// NumPy's file of one array.
//
//   "\x93NUMPY"  1 0  length of the text, u16  {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n  values
#pragma once

#include <filesystem>

#include "safelight/tensor.h"

namespace safelight::cli {

// Writes it atomically, as numpy.save does. Throws Error(usage) for types that NumPy does not have, Error(io).
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace safelight::cli

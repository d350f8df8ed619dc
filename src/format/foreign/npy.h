// NumPy's .npy files.
//
//   "\x93NUMPY", version (major, minor), length of the header (2 bytes, or 4 from version 2 on),
//   header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   as Python source, padded with spaces, '\n',
//   the elements
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "format/foreign/strided.h"

namespace safelight::foreign {

struct NpyHeader {
  StridedArray array{};   // of the bytes after the header
  std::size_t bytes = 0;  // of the header, up to the first element
};

// `name`: of the array, for messages. Throws Error(format): no .npy file, elements that are no numbers, a shape that
// the bytes of `file` do not fill exactly.
NpyHeader parse_npy(std::span<const std::byte> file, std::string_view name);

// The header that NumPy writes, as long as a multiple of 64 bytes. REQUIRES: numpy_type(dtype) is not empty.
std::string npy_header(DType dtype, const Shape& shape);

bool looks_like_npy(std::span<const std::byte> file) noexcept;

// Whether an .npy file holds Python objects: what follows its header is then a pickle, at this offset; 0 if it does
// not.
std::size_t npy_pickle_offset(std::span<const std::byte> file);

}  // namespace safelight::foreign

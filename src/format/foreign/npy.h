// NumPy's .npy files.
//
//   "\x93NUMPY", version (major, minor), length of the header (2 bytes, or 4 from version 2 on),
//   header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   as Python source, padded with spaces, '\n',
//   the elements
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "format/foreign/strided.h"

namespace safelight::foreign {

struct NpyHeader {
  StridedArray array{};   // of the bytes after the header
  std::size_t bytes = 0;  // of the header, up to the first element
};

// What comes before the elements has at most so many bytes.
inline constexpr std::size_t kLargestNpyHeader = 65536 + 12;

// `first`: the bytes of the file, or its first kLargestNpyHeader; `file_bytes`: how many it has; `name`: of the array,
// for messages. Throws Error(format): no .npy file, elements that are no numbers, a shape that the file's bytes do not
// fill exactly.
NpyHeader parse_npy(std::span<const std::byte> first, std::uint64_t file_bytes, std::string_view name);

// The header that NumPy writes, as long as a multiple of 64 bytes. `name`: of the tensor, for messages. Throws
// Error(usage) for a type that NumPy lacks and for more dimensions than it allows.
std::string npy_header(DType dtype, const Shape& shape, std::string_view name);

// Writes a tensor as an .npy file, atomically, as numpy.save does. Throws what npy_header throws, and Error(io).
void write_npy(const std::filesystem::path& path, const Tensor& tensor, std::string_view name);

bool looks_like_npy(std::span<const std::byte> file) noexcept;

// Whether an .npy file holds Python objects, or elements of a type that is not known: what follows its header is then a
// pickle, or may be, at this offset; 0 if it does not. Throws Error(format), Error(limit).
std::size_t npy_pickle_offset(std::span<const std::byte> file);

}  // namespace safelight::foreign

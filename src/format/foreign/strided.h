// An array as PyTorch and NumPy describe it, any order of its elements in memory, made a contiguous tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "safelight/tensor.h"

namespace safelight::foreign {

struct StridedArray {
  DType dtype = DType::F32;  // a type of whole bytes
  Shape shape{};
  std::vector<std::int64_t> strides{};  // in elements, one per dimension, not negative
  std::uint64_t offset = 0;             // of the first element in its storage, in elements
  bool big_endian = false;
};

// The strides of a contiguous array: row-major, or column-major (Fortran's order).
std::vector<std::int64_t> contiguous_strides(const Shape& shape, bool column_major = false);

// A bound on how much an array may grow where a stride is 0 (PyTorch's expand): a few bytes could claim terabytes.
inline constexpr std::uint64_t kLargestExpansion = std::uint64_t{256} << 20;

// More dimensions than PyTorch and NumPy have.
inline constexpr std::size_t kHighestRank = 64;

// Throws Error(format) naming `name` unless every element lies inside the storage, and Error(limit) if the array is
// larger than its storage and kLargestExpansion. Returns the bytes that the contiguous tensor will have.
std::uint64_t check_array(const StridedArray& array, std::uint64_t storage_bytes, std::string_view who,
                          std::string_view name);

// The tensor: borrowed from `storage`, which `owner` keeps alive, if its bytes lie there as they should, else a copy.
// REQUIRES: check_array() has passed.
Tensor to_tensor(const StridedArray& array, std::span<const std::byte> storage, std::shared_ptr<const void> owner);

// The bytes of the array's extent in its storage: from its first element to its last. REQUIRES: check_array() passed.
struct Extent {
  std::uint64_t begin = 0, end = 0;
};
Extent extent_of(const StridedArray& array);

}  // namespace safelight::foreign

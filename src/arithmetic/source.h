// Tensors as they are read for arithmetic: in slices, from a file without its mapping, or from memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

// One tensor. Cheap to copy; safe to use from several threads.
class Source {
 public:
  explicit Source(const Tensor& tensor);
  // Reads with SafeTensors::read(): a file that is cut short meanwhile gives an error, and the pages that were read do
  // not count as memory of this process.
  Source(const SafeTensors& file, const TensorInfo& info);

  DType dtype() const noexcept { return dtype_; }
  std::int64_t elements() const noexcept { return elements_; }
  std::int64_t bytes() const noexcept { return elements_ * bits(dtype_) / 8; }

  // The bytes of elements [first, first + count), valid until `scratch` changes. REQUIRES: they fill
  // whole bytes, as slices do.
  const std::byte* read(std::int64_t first, std::int64_t count, std::vector<std::byte>& scratch) const;

 private:
  DType dtype_;
  std::int64_t elements_;
  Tensor tensor_;                    // or
  std::optional<SafeTensors> file_;  // from
  std::uint64_t offset_ = 0;         // on
};

// The tensor's bytes, read. Its memory is the caller's.
Tensor read_tensor(const SafeTensors& file, const TensorInfo& info);

// A task: some elements of one of several tensors.
struct Slice {
  std::size_t tensor = 0;
  std::int64_t first = 0, count = 0;
};

inline constexpr std::int64_t kSlice = 64 << 10;  // elements at most: they stay in the second-level cache
inline constexpr std::int64_t kBatch = 8 << 20;   // bytes that a second look still finds in the last-level cache
inline constexpr std::int64_t kChunk = 1024;      // doubles that stay in the first-level cache between passes

// Cuts tensors into slices, by their sizes alone, and calls body(slices, bytes) with batches of neighbours: as many
// whole tensors as have about kBatch bytes together, or one that is larger. Empty tensors have no slices.
void for_each_batch(std::span<const Source> tensors,
                    const std::function<void(std::span<const Slice> slices, std::int64_t bytes)>& body);

}  // namespace safelight

#include "format/passing_tensor.h"

#include "core/fresh_memory.h"
#include "tensor/byte_size.h"

namespace safelight {
namespace {

// Below, what the heap keeps is little, and asking the system costs more than the copy.
constexpr std::uint64_t kLarge = std::uint64_t{1} << 20;

}  // namespace

Tensor allocate_passing(DType dtype, const Shape& shape) {
  const std::uint64_t bytes = byte_size(dtype, shape);
  return bytes < kLarge ? Tensor::allocate(dtype, shape) : Tensor(dtype, shape, fresh_memory(bytes));
}

}  // namespace safelight

#include "diffusion/repeated.h"

#include <algorithm>

namespace safelight {

Tensor repeated(const Tensor& x, std::int64_t times) {
  Shape shape = x.shape();
  shape[0] *= times;
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  auto end = result.mutable_floats().begin();
  for (std::int64_t i = 0; i < times; ++i) end = std::ranges::copy(x.floats(), end).out;
  return result;
}

}  // namespace safelight

#include "diffusion/side_by_side.h"

#include <algorithm>
#include <cassert>

namespace safelight {

Tensor side_by_side(const Tensor& a, const Tensor& b) {
  assert(a.shape() == b.shape());
  Shape shape = a.shape();
  shape[0] *= 2;
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  const auto middle = std::ranges::copy(a.floats(), result.mutable_floats().begin()).out;
  std::ranges::copy(b.floats(), middle);
  return result;
}

}  // namespace safelight

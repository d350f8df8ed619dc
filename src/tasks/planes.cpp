#include "tasks/planes.h"

#include <algorithm>
#include <cassert>

namespace safelight {
namespace {

// [n, a, b] -> [n, b, a]
void transpose(const Tensor& from, Tensor& to, std::int64_t n, std::int64_t a, std::int64_t b) {
  const float* in = from.floats().data();
  float* out = to.mutable_floats().data();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t x = 0; x < a; ++x)
      for (std::int64_t y = 0; y < b; ++y) out[(i * b + y) * a + x] = in[(i * a + x) * b + y];
}

}  // namespace

Tensor to_nchw(const Tensor& t) {
  assert(t.rank() == 4);
  Tensor result = Tensor::allocate(DType::F32, {t.dim(0), t.dim(3), t.dim(1), t.dim(2)});
  transpose(t, result, t.dim(0), t.dim(1) * t.dim(2), t.dim(3));
  return result;
}

Tensor to_nhwc(const Tensor& t) {
  assert(t.rank() == 4);
  Tensor result = Tensor::allocate(DType::F32, {t.dim(0), t.dim(2), t.dim(3), t.dim(1)});
  transpose(t, result, t.dim(0), t.dim(1), t.dim(2) * t.dim(3));
  return result;
}

Tensor image(const Tensor& t, std::int64_t index) {
  Shape shape = t.shape();
  shape[0] = 1;
  const auto size = static_cast<std::size_t>(elements(shape));
  return Tensor::from(t.floats().subspan(static_cast<std::size_t>(index) * size, size), shape);
}

void set_image(Tensor& batch, std::int64_t index, const Tensor& one) {
  assert(batch.elements() == one.elements() * batch.dim(0));
  std::ranges::copy(one.floats(), batch.mutable_floats().data() + index * one.elements());
}

}  // namespace safelight

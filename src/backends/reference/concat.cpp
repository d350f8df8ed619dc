#include <algorithm>

#include "backends/reference/layers.h"

namespace safelight::reference {

void concat(const Tensor& a, const Tensor& b, Tensor& y) {
  const std::size_t ca = static_cast<std::size_t>(a.shape().back()), cb = static_cast<std::size_t>(b.shape().back());
  const std::size_t pixels = ca + cb > 0 ? y.floats().size() / (ca + cb) : 0;
  auto out = y.mutable_floats().begin();
  for (std::size_t p = 0; p < pixels; ++p) {
    out = std::ranges::copy(a.floats().subspan(p * ca, ca), out).out;
    out = std::ranges::copy(b.floats().subspan(p * cb, cb), out).out;
  }
}

Tensor whole(const Joined& x) {
  if (!x.b) return x.a;
  Tensor y = Tensor::allocate(DType::F32, x.shape());
  concat(x.a, *x.b, y);
  return y;
}

}  // namespace safelight::reference

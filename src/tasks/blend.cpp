#include "tasks/blend.h"

#include <cassert>

namespace safelight {
namespace {

// combine(value of a, value of b, mask) for every value of the larger of the two.
template <class Combine>
Tensor combined(const Tensor& a, const Tensor& b, const Tensor& mask, const Combine& combine) {
  const Tensor& all = a.dim(0) < b.dim(0) ? b : a;
  const std::int64_t pixels = mask.elements(), channels = all.dim(3), images = all.dim(0);
  assert(pixels * channels * images == all.elements());
  Tensor result = Tensor::allocate(DType::F32, all.shape());
  const auto first_of = [&](const Tensor& t, std::int64_t image) {
    return t.floats().data() + (t.dim(0) == 1 ? 0 : image * pixels * channels);
  };
  float* out = result.mutable_floats().data();
  for (std::int64_t image = 0; image < images; ++image) {
    const float *as = first_of(a, image), *bs = first_of(b, image);
    for (std::int64_t i = 0; i < pixels * channels; ++i)
      *out++ = combine(as[i], bs[i], mask.floats()[static_cast<std::size_t>(i / channels)]);
  }
  return result;
}

}  // namespace

Tensor let_go(const Tensor& held, const Tensor& free, const Tensor& mask, double left) {
  return combined(held, free, mask,
                  [left](float h, float f, float m) { return static_cast<double>(m) > left ? f : h; });
}

Tensor mixed(const Tensor& shown, const Tensor& hidden, const Tensor& mask) {
  return combined(shown, hidden, mask, [](float s, float h, float m) { return (1 - m) * s + m * h; });
}

}  // namespace safelight

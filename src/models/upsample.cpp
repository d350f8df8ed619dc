#include "models/upsample.h"

#include <algorithm>

namespace safelight {
namespace {

// Nearest neighbour to height x width, at most twice the sides of x.
Tensor doubled_and_cropped(const Tensor& x, std::int64_t height, std::int64_t width, Backend& backend) {
  const std::int64_t channels = x.dim(3), rows = x.dim(1), columns = x.dim(2);
  Tensor y = backend.empty({x.dim(0), height, width, channels});
  backend.touch([&] {
    const float* from = x.floats().data();
    float* to = y.mutable_floats().data();
    for (std::int64_t image = 0; image < x.dim(0); ++image)
      for (std::int64_t row = 0; row < height; ++row)
        for (std::int64_t column = 0; column < width; ++column, to += channels)
          std::copy_n(from + ((image * rows + row / 2) * columns + column / 2) * channels, channels, to);
  });
  return y;
}

Weight weight_of(const Loader& conv, std::int64_t channels) {
  const Shape shape{channels, channels, 3, 3};
  return conv.weight({&shape, 1}, channels);
}

}  // namespace

Upsample::Upsample(const Loader& w, std::int64_t channels)
    : backend_(w.backend()),
      weight_(weight_of(w / "conv", channels)),
      bias_(w.tensor("conv.bias", {channels})),
      precision_(w.precision()),
      conv_(backend_.conv2d({.in = channels, .out = channels, .upsample = true, .precision = precision_}, weight_,
                            bias_)) {}

Tensor Upsample::operator()(const Tensor& x, std::int64_t height, std::int64_t width) {
  if (height == 2 * x.dim(1) && width == 2 * x.dim(2)) return (*this)(x);
  const std::int64_t channels = x.dim(3);
  if (!cropped_conv_)
    cropped_conv_ = backend_.conv2d({.in = channels, .out = channels, .precision = precision_}, weight_, bias_);
  return (*cropped_conv_)(doubled_and_cropped(x, height, width, backend_));
}

}  // namespace safelight

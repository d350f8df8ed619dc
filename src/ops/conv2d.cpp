#include "ops/conv2d.h"

#include <algorithm>

#include "ops/backend.h"
#include "ops/check.h"

namespace safelight {

Tensor Conv2d::operator()(const Tensor& x, const Epilogue& tail) { return convolve(x, nullptr, tail); }

Tensor Conv2d::operator()(Normed x, const Epilogue& tail) {
  if (x.rest) return convolve(x.made(), nullptr, tail);
  result_shape(x.x);  // or throws
  if (!normalises(x.x)) return convolve(x.made(), nullptr, tail);
  const Tensor coefficients = x.norm.coefficients(x.x);
  const Normalisation norm{coefficients, x.norm.spec().activation};
  return convolve(x.x, &norm, tail);
}

Shape Conv2d::result_shape(const Tensor& x) const {
  expect_channels("conv2d", "x", x, spec_.in, 4);
  const std::int64_t scale = spec_.upsample ? 2 : 1;
  const Padding& pad = spec_.padding;
  const std::int64_t height = x.dim(1) * scale + pad.top + pad.bottom, width = x.dim(2) * scale + pad.left + pad.right;
  if (height < spec_.kernel || width < spec_.kernel)
    fail(ErrorCategory::model, "[conv2d] x is {}, smaller than the {}x{} kernel", to_string(x.shape()), spec_.kernel,
         spec_.kernel);
  return {x.dim(0), (height - spec_.kernel) / spec_.stride + 1, (width - spec_.kernel) / spec_.stride + 1, spec_.out};
}

Tensor Conv2d::convolve(const Tensor& x, const Normalisation* norm, const Epilogue& tail) {
  Tensor y = backend_.empty(result_shape(x));
  if (tail.per_image) expect_addend("conv2d", "per_image", *tail.per_image, {x.dim(0), spec_.out});
  if (tail.residual) expect_addend("conv2d", "residual", *tail.residual, y.shape());
  const bool usual = spec_.kernel == 3 && spec_.stride == 1;
  const double depth = static_cast<double>(spec_.in * spec_.kernel * spec_.kernel);
  backend_.perform(usual ? WorkKind::conv3x3 : WorkKind::product, 2 * static_cast<double>(y.elements()) * depth,
                   [&] { run(x, norm, tail, y); });
  return y;
}

void check_conv2d_weights(const Conv2dSpec& spec, const Weight& weight, const Tensor& bias) {
  expect_some_channels("conv2d", spec.in, spec.out);
  const Padding& pad = spec.padding;
  if (spec.kernel < 1 || spec.stride < 1 || std::min({pad.top, pad.left, pad.bottom, pad.right}) < 0)
    fail(ErrorCategory::model, "[conv2d] kernel {}, stride {}, padding {} {} {} {}: expected at least 1, 1 and 0",
         spec.kernel, spec.stride, pad.top, pad.left, pad.bottom, pad.right);
  if (!(spec.kernel == 1 && weight.values.shape() == Shape{spec.out, spec.in}))
    expect_shape("conv2d", "weight", weight.values, {spec.out, spec.in, spec.kernel, spec.kernel});
  if (bias) expect_shape("conv2d", "bias", bias, {spec.out});
  check_scales("conv2d", weight, spec.out);
}

}  // namespace safelight

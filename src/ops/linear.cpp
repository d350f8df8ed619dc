#include "ops/linear.h"

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/quantise.h"

namespace safelight {

Tensor Linear::operator()(const Joined& x, const Epilogue& tail) {
  expect_channels("linear", "x", x, spec_.in, 2);
  Shape shape = x.shape();
  shape.back() = spec_.geglu ? spec_.out / 2 : spec_.out;
  if (spec_.geglu && (tail.activation != Activation::none || tail.per_image || tail.residual))
    fail(ErrorCategory::model, "[linear] geglu allows no epilogue");
  Tensor y = backend_.empty(std::move(shape));
  if (tail.per_image) expect_addend("linear", "per_image", *tail.per_image, {x.a.dim(0), spec_.out});
  if (tail.residual) expect_addend("linear", "residual", *tail.residual, y.shape());
  backend_.perform(WorkKind::product, 2 * static_cast<double>(x.elements()) * static_cast<double>(spec_.out),
                   [&] { run(x, tail, y); });
  return y;
}

void check_linear_weights(const LinearSpec& spec, const Weight& weight, const Tensor& bias) {
  expect_some_channels("linear", spec.in, spec.out);
  if (spec.geglu && spec.out % 2 != 0)
    fail(ErrorCategory::model, "[linear] geglu needs an even number of channels, not {}", spec.out);
  if (spec.precision == Precision::int8 && spec.in > kMostInt8Terms)
    fail(ErrorCategory::model, "[linear] int8 allows {} inputs, not {}", kMostInt8Terms, spec.in);
  if (weight.values.shape() != Shape{spec.out, spec.in, 1, 1})
    expect_shape("linear", "weight", weight.values, {spec.out, spec.in});
  if (bias) expect_shape("linear", "bias", bias, {spec.out});
  check_scales("linear", weight, spec.out);
}

}  // namespace safelight

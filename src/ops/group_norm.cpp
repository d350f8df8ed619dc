#include "ops/group_norm.h"

#include "ops/backend.h"
#include "ops/check.h"

namespace safelight {

Tensor GroupNorm::operator()(const Joined& x) {
  expect_channels("group_norm", "x", x, spec_.channels, 2);
  Tensor y = backend_.empty(x.shape());
  backend_.perform(WorkKind::passing, static_cast<double>(y.elements()), [&] { run(x, y); });
  return y;
}

Tensor GroupNorm::operator()(Tensor&& x) {
  expect_channels("group_norm", "x", x, spec_.channels, 2);
  if (x.shared()) return (*this)(Joined(x));
  backend_.perform(WorkKind::passing, static_cast<double>(x.elements()), [&] { run(x, x); });
  return std::move(x);
}

Tensor GroupNorm::coefficients(const Tensor& x) {
  expect_channels("group_norm", "x", x, spec_.channels, 2);
  Tensor y = backend_.empty({x.dim(0), 3, spec_.channels});
  // All values are read once, where the op itself reads them twice and writes as many.
  backend_.perform(WorkKind::passing, static_cast<double>(x.elements()) / 3, [&] { run_coefficients(x, y); });
  return y;
}

void check_group_norm_weights(const GroupNormSpec& spec, const Tensor& weight, const Tensor& bias) {
  expect_some_channels("group_norm", spec.channels, spec.channels);
  if (spec.groups < 1 || spec.channels % spec.groups != 0)
    fail(ErrorCategory::model, "[group_norm] {} channels do not divide into {} groups", spec.channels, spec.groups);
  expect_shape("group_norm", "weight", weight, {spec.channels});
  expect_shape("group_norm", "bias", bias, {spec.channels});
}

}  // namespace safelight

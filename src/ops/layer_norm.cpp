#include "ops/layer_norm.h"

#include "ops/backend.h"
#include "ops/check.h"

namespace safelight {

Tensor LayerNorm::operator()(const Tensor& x) {
  expect_channels("layer_norm", "x", x, spec_.channels, 1);
  Tensor y = backend_.empty(x.shape());
  backend_.perform(WorkKind::passing, static_cast<double>(y.elements()), [&] { run(x, y); });
  return y;
}

void check_layer_norm_weights(const LayerNormSpec& spec, const Tensor& weight, const Tensor& bias) {
  expect_some_channels("layer_norm", spec.channels, spec.channels);
  expect_shape("layer_norm", "weight", weight, {spec.channels});
  expect_shape("layer_norm", "bias", bias, {spec.channels});
}

}  // namespace safelight

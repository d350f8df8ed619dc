// Layer normalisation over the last axis (Ba et al. 2016).
#pragma once

#include <memory>

#include "safelight/tensor.h"

namespace safelight {

class Backend;

struct LayerNormSpec {
  std::int64_t channels = 0;
  float epsilon = 1e-5f;
};

class LayerNorm {
 public:
  virtual ~LayerNorm() = default;

  // x: F32 [..., channels]. Error(model) on other shapes.
  Tensor operator()(const Tensor& x);

 protected:
  LayerNorm(const LayerNormSpec& spec, Backend& backend) : spec_(spec), backend_(backend) {}

  const LayerNormSpec spec_;
  Backend& backend_;

 private:
  virtual void run(const Tensor& x, Tensor& y) = 0;
};

// Throws Error(model) unless weight and bias are [channels].
void check_layer_norm_weights(const LayerNormSpec& spec, const Tensor& weight, const Tensor& bias);

}  // namespace safelight

// Group normalisation over NHWC (Wu & He 2018), with the activation that follows it.
#pragma once

#include <memory>

#include "ops/epilogue.h"
#include "ops/joined.h"
#include "safelight/tensor.h"

namespace safelight {

class Backend;

struct GroupNormSpec {
  std::int64_t channels = 0, groups = 32;
  float epsilon = 1e-5f;
  Activation activation = Activation::none;  // none or silu
};

class GroupNorm {
 public:
  virtual ~GroupNorm() = default;

  // x: F32 [n, ..., channels], statistics over each image and group of channels. Error(model) on other shapes.
  Tensor operator()(const Joined& x);

  // The same, in the bytes of x if no other tensor refers to them. REQUIRES: x is not borrowed from a file.
  Tensor operator()(Tensor&& x);

  // What it does to each channel of each image of x, for a reader that does so itself: value v becomes
  // activation((v - mean) * scale + bias). F32 [n, 3, channels]: means, scales, biases.
  Tensor coefficients(const Tensor& x);

  const GroupNormSpec& spec() const noexcept { return spec_; }

 protected:
  GroupNorm(const GroupNormSpec& spec, Backend& backend) : spec_(spec), backend_(backend) {}

  const GroupNormSpec spec_;
  Backend& backend_;

 private:
  virtual void run(const Joined& x, Tensor& y) = 0;  // y may be x.a, if there is no x.b
  virtual void run_coefficients(const Tensor& x, Tensor& y) = 0;
};

// Throws Error(model) unless channels is a multiple of groups and weight and bias are [channels].
void check_group_norm_weights(const GroupNormSpec& spec, const Tensor& weight, const Tensor& bias);

}  // namespace safelight

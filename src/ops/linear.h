// y = x W^T + b over the last axis, W as stored in the file: [out, in].
#pragma once

#include <memory>

#include "ops/epilogue.h"
#include "ops/joined.h"
#include "ops/precision.h"
#include "ops/weight.h"
#include "safelight/tensor.h"

namespace safelight {

class Backend;

struct LinearSpec {
  std::int64_t in = 0, out = 0;
  bool geglu = false;  // the result has out/2 channels: first half * gelu(second half) (Shazeer 2020, "GLU Variants
                       // Improve Transformer")
  Precision precision = Precision::full;
};

// Its weights are bound. Thread-compatible: one call at a time.
class Linear {
 public:
  virtual ~Linear() = default;

  // x: F32 [..., in] -> F32 [..., out] ([..., out/2] with geglu, which allows no epilogue). Error(model) on other
  // shapes.
  Tensor operator()(const Joined& x, const Epilogue& tail = {});

  const LinearSpec& spec() const noexcept { return spec_; }

 protected:
  Linear(const LinearSpec& spec, Backend& backend) : spec_(spec), backend_(backend) {}

  const LinearSpec spec_;
  Backend& backend_;

 private:
  // REQUIRES: x, tail and y agree in shape, y is not among the inputs.
  virtual void run(const Joined& x, const Epilogue& tail, Tensor& y) = 0;
};

// Throws Error(model) unless weight is [out, in] or [out, in, 1, 1], its scales and bias are [out] or empty; for int8
// also if a sum of `in` products might not fit 32 bits.
void check_linear_weights(const LinearSpec& spec, const Weight& weight, const Tensor& bias);

}  // namespace safelight

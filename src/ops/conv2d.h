// 2-D convolution over NHWC float32, weights as stored in the file: [out, in, kernel, kernel].
#pragma once

#include <memory>

#include "ops/epilogue.h"
#include "ops/normed.h"
#include "ops/precision.h"
#include "ops/weight.h"
#include "safelight/tensor.h"

namespace safelight {

class Backend;

struct Padding {
  int top = 1, left = 1, bottom = 1, right = 1;
};

struct Conv2dSpec {
  std::int64_t in = 0, out = 0;
  int kernel = 3, stride = 1;
  Padding padding = {};                   // with zeros, after upsampling
  bool upsample = false;                  // the input is first doubled in height and width, nearest neighbour
  Precision precision = Precision::full;  // int8 counts as full
};

// Its weights are bound. Thread-compatible: one call at a time.
class Conv2d {
 public:
  virtual ~Conv2d() = default;

  // x: F32 [n, h, w, in] -> F32 [n, h', w', out]. Checks its arguments, so that every backend accepts the same inputs
  // and fails with the same words: Error(model).
  Tensor operator()(const Tensor& x, const Epilogue& tail = {});

  // The same of norm(x), with the same bits; where it pays, values are normalised as they are read.
  Tensor operator()(Normed x, const Epilogue& tail = {});

  const Conv2dSpec& spec() const noexcept { return spec_; }

 protected:
  Conv2d(const Conv2dSpec& spec, Backend& backend) : spec_(spec), backend_(backend) {}

  // Throws Error(model) where x has no result.
  Shape result_shape(const Tensor& x) const;

  const Conv2dSpec spec_;
  Backend& backend_;

 private:
  Tensor convolve(const Tensor& x, const Normalisation* norm, const Epilogue& tail);

  // Whether run() takes a normalisation of such an x; else x is normalised before. REQUIRES: x has a result.
  virtual bool normalises(const Tensor& x) const = 0;

  // What each backend writes. norm: null, or what is done to x as it is read; padding stays zero.
  // REQUIRES: x, norm, tail and y agree in shape, y is not among the inputs.
  virtual void run(const Tensor& x, const Normalisation* norm, const Epilogue& tail, Tensor& y) = 0;
};

// Throws Error(model) unless weight is [out, in, kernel, kernel] (for kernel 1 also [out, in]), its scales and bias are
// [out] or empty.
void check_conv2d_weights(const Conv2dSpec& spec, const Weight& weight, const Tensor& bias);

}  // namespace safelight

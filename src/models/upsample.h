// Doubling the sides of a feature map, then a 3x3 convolution.
#pragma once

#include <cstdint>
#include <memory>

#include "models/loader.h"

namespace safelight {

class Upsample {
 public:
  // `w` is the place that holds conv.
  Upsample(const Loader& w, std::int64_t channels);

  // x: F32 [n, h, w, channels] -> [n, 2h, 2w, channels].
  Tensor operator()(const Tensor& x) { return (*conv_)(x); }

  // The same for a target whose sides are 2h or 2h-1, 2w or 2w-1: what a level with an odd side needs to meet its skip
  // connection again. The last row or column is dropped before the convolution.
  Tensor operator()(const Tensor& x, std::int64_t height, std::int64_t width);

 private:
  Backend& backend_;
  Weight weight_;
  Tensor bias_;
  Precision precision_;
  std::unique_ptr<Conv2d> conv_;          // doubles on the way
  std::unique_ptr<Conv2d> cropped_conv_;  // takes what is doubled and cropped; made when first needed
};

}  // namespace safelight

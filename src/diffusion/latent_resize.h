// Latents at another size.
#pragma once

#include "safelight/tensor.h"

namespace safelight {

// F32 [n, h, w, c] -> F32 [n, height, width, c], bilinear, with the centres of pixels where they are in the picture:
// torch.nn.functional.interpolate(mode="bilinear", align_corners=False), which is A1111's upscaler "Latent".
Tensor resize_latents(const Tensor& x, std::int64_t height, std::int64_t width);

}  // namespace safelight

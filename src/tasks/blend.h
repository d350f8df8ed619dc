// Latents of which a part is new, and the rest a picture's.
#pragma once

#include "safelight/tensor.h"

namespace safelight {

// `free` where the mask lets go, `held` elsewhere: F32 [n, h, w, c], of the same shape or [1, h, w, c] for all; mask
// F32 [1, h, w, 1]. With the share `left` of all steps still to come, it lets go where it is above that: what is 1 is
// free from the first step on, what is 0 never, and what lies between as late as it is small, so that it is changed as
// little (Levin & Fried 2023, "Differential Diffusion: Giving Each Pixel Its Strength").
Tensor let_go(const Tensor& held, const Tensor& free, const Tensor& mask, double left);

// Under the mask `hidden`, elsewhere `shown`, mixed where the mask lies between 0 and 1. Shapes as above.
Tensor mixed(const Tensor& shown, const Tensor& hidden, const Tensor& mask);

}  // namespace safelight

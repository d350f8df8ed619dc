// Between pictures and what the autoencoder takes and gives.
#pragma once

#include "models/vae.h"
#include "safelight/picture.h"

namespace safelight {

// The mean of the distribution; with noise of unit variance, of its shape or [1, ...]: mean + deviation * noise.
Tensor picked(const LatentDistribution& distribution, const Tensor& noise);

// F32 [1, h, w, 3] in [-1, 1].
Tensor to_pixels(const Picture& picture);

}  // namespace safelight

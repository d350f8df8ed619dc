// Latents from what the autoencoder finds in a picture.
#pragma once

#include "models/vae.h"

namespace safelight {

// The mean of the distribution; with noise of unit variance, of its shape or [1, ...]: mean + deviation * noise.
Tensor picked(const LatentDistribution& distribution, const Tensor& noise);

}  // namespace safelight

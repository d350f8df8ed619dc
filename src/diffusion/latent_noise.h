// The noise of a batch of latents: start noise first, then that of each step.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "diffusion/random.h"
#include "safelight/tensor.h"

namespace safelight {

// One generator per image, image k seeded with seed + k as in A1111: an image of a batch is the same picture as alone.
// Thread-compatible.
class LatentNoise {
 public:
  // `shape` is that of the latents: [images, height, width, channels].
  LatentNoise(Rng rng, std::uint64_t seed, Shape shape);

  // The next F32 tensor of unit variance. Each image is drawn in one call, in the channel, row, column order of the
  // reference, and laid out row, column, channel. The first is the start noise: draw it even if another is used
  // instead, or the noise of the steps is not what the seed means.
  Tensor next();

 private:
  Shape shape_;
  std::vector<std::unique_ptr<RandomGenerator>> generators_;
};

}  // namespace safelight

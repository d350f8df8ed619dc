// A picture on a larger canvas, and something plausible beyond its edges for a diffusion model to start from.
#pragma once

#include <cstdint>

#include "image/region.h"
#include "safelight/mask.h"
#include "safelight/picture.h"

namespace safelight {

struct OutpaintCanvas {
  Picture picture;  // the picture, its bytes exact, and beyond it what extended() made up
  Region known;     // where the picture is
};

// Beyond its edges the picture's outermost pixels go straight on, the more blurred and the noisier the farther away:
// colours and lines that run out of the picture continue without a seam, and no object is there twice, as in a mirror.
// The same seed makes the same canvas. Throws Error(usage) for a side below 0, or if all are 0, and Error(limit) for a
// canvas of more than 100 million pixels or 65535 on a side. REQUIRES: a picture that is not empty.
OutpaintCanvas extended(const Picture& picture, const Extension& extension, std::uint64_t seed);

// The mask to repaint a canvas with: 255 outside `known`, and inside, along the sides that were extended, falling to 0
// over `overlap` pixels (half a cosine wave), so that new and old blend there. With an overlap of 0 it is hard.
// REQUIRES: known inside width x height, overlap >= 0.
Mask seam_mask(std::int64_t width, std::int64_t height, const Region& known, std::int64_t overlap);

}  // namespace safelight

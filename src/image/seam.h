// Where new meets old.
#pragma once

#include "image/region.h"

namespace safelight {

// Brings the tones of a painted picture to those of the original where a mask's border runs: what they differ by on the
// kept side is carried over it, as a mean of the surroundings (Gaussian, 4 pixels) and of the nearest pixels (1 pixel),
// and fades out inside. Where all is kept, or all is painted, nothing changes. REQUIRES: pictures and mask of one size.
void meet_at_border(Picture& painted, const Picture& original, const Mask& mask);

}  // namespace safelight

// Gaussian blur.
#pragma once

#include <cstdint>
#include <span>

#include "safelight/mask.h"

namespace safelight {

// A mask with a soft border, as the AUTOMATIC1111 web UI makes it with OpenCV: the standard deviation is `radius`, the
// kernel has 2 * int(2.5 * radius + 0.5) + 1 taps, and beyond the border the mask is mirrored about its outermost
// pixels. A radius of 0 changes nothing. Throws Error(usage) unless 0 <= radius <= 1000.
Mask blurred(const Mask& mask, double radius);

// In place, values [height, width, channels], by three box filters with fractional ends (Gwosdek et al. 2011), whose
// time does not depend on the radius; beyond the border the outermost value is repeated, as in Pillow.
// REQUIRES: as many values as that, radius >= 0.
void blur_quickly(std::span<float> values, std::int64_t height, std::int64_t width, std::int64_t channels,
                  double radius);

}  // namespace safelight

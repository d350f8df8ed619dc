// Where a pixel of a convolution's input lies.
#pragma once

#include "backends/cpu/kernels/kernels.h"

namespace safelight::cpu {

// The pixel at row y, column x of the padded and, if asked for, upsampled picture; zeros outside it.
inline const float* pixel(const PixelSource& s, std::int64_t image, std::int64_t y, std::int64_t x) {
  const std::int64_t scale = s.upsample ? 2 : 1;
  y -= s.top, x -= s.left;
  if (y < 0 || y >= s.height * scale || x < 0 || x >= s.width * scale) return s.zeros;
  if (s.upsample) y >>= 1, x >>= 1;
  std::int64_t line = image * s.height + y;
  if (s.ring) line %= s.ring;
  return s.x + (line * s.width + x) * s.channels;
}

}  // namespace safelight::cpu

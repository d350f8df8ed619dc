// Floating-point pixels, as a decoder makes and an encoder takes them, to and from 8 bits.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "safelight/picture.h"

namespace safelight {

Picture to_picture(const Tensor& pixels) {
  assert(pixels.rank() == 3 || (pixels.rank() == 4 && pixels.dim(0) == 1));
  const std::size_t first = pixels.rank() - 3;
  assert(pixels.dim(first + 2) == 3);
  Picture picture(pixels.dim(first + 1), pixels.dim(first));
  const std::span<const float> values = pixels.floats();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float scaled = (values[i] + 1.0f) * 127.5f;
    // The comparison is false for NaN, which so becomes 0.
    picture.rgb[i] = scaled > 0.0f ? static_cast<std::uint8_t>(std::lrint(std::fmin(scaled, 255.0f))) : 0;
  }
  return picture;
}

Tensor to_tensor(const Picture& picture) {
  Tensor pixels = Tensor::allocate(DType::F32, {1, picture.height, picture.width, 3});
  std::ranges::transform(picture.rgb, pixels.mutable_floats().begin(),
                         [](std::uint8_t v) { return static_cast<float>(v) / 127.5f - 1.0f; });
  return pixels;
}

}  // namespace safelight

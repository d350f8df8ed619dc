#include "safelight/mask.h"

#include <algorithm>

namespace safelight {

Mask mask_from_luminance(const Picture& picture) {
  Mask mask(picture.width, picture.height);
  for (std::size_t i = 0; i < mask.values.size(); ++i) {
    const std::uint8_t* const pixel = picture.rgb.data() + i * 3;
    mask.values[i] = static_cast<std::uint8_t>((299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000);
  }
  return mask;
}

Mask mask_from_transparency(const PictureFile& file) {
  Mask mask(file.picture.width, file.picture.height);
  std::ranges::transform(file.alpha, mask.values.begin(),
                         [](int alpha) { return static_cast<std::uint8_t>(255 - alpha); });
  return mask;
}

Mask mask_from_file(const PictureFile& file) {
  if (file.alpha.empty()) return mask_from_luminance(file.picture);
  Mask mask(file.picture.width, file.picture.height);
  mask.values = file.alpha;
  return mask;
}

Mask inverted(Mask mask) {
  for (std::uint8_t& value : mask.values) value = static_cast<std::uint8_t>(255 - value);
  return mask;
}

}  // namespace safelight

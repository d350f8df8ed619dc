// Masks: which part of a picture is to be painted anew.
#pragma once

#include <cstdint>
#include <vector>

#include "safelight/picture.h"

namespace safelight {

// One byte per pixel, rows from the top: 0 keep .. 255 repaint, in between both, by weight. A plain value.
struct Mask {
  std::int64_t width = 0, height = 0;
  std::vector<std::uint8_t> values;  // width * height bytes

  Mask() = default;
  Mask(std::int64_t w, std::int64_t h, std::uint8_t value = 0)
      : width(w), height(h), values(static_cast<std::size_t>(w * h), value) {}

  std::uint8_t& at(std::int64_t x, std::int64_t y) noexcept { return values[static_cast<std::size_t>(y * width + x)]; }
  std::uint8_t at(std::int64_t x, std::int64_t y) const noexcept {
    return values[static_cast<std::size_t>(y * width + x)];
  }
};

// White is repainted: the luminance of ITU-R BT.601, (299 R + 587 G + 114 B) / 1000.
Mask mask_from_luminance(const Picture& picture);

// What is transparent is repainted: 255 - alpha. For a picture with holes in it, as the OpenAI image API takes them.
// All zeros if the file is opaque.
Mask mask_from_transparency(const PictureFile& file);

// A file that is a mask by itself, as the AUTOMATIC1111 web UI takes it: if it has transparent parts, what is painted
// (its alpha), else its luminance.
Mask mask_from_file(const PictureFile& file);

// 255 - value: repaint what was kept.
Mask inverted(Mask mask);

// What is under the mask when its repainting starts, as in the AUTOMATIC1111 web UI.
enum class MaskedContent {
  fill,            // the colours around it, blurred
  original,        // the picture as it is
  latent_noise,    // noise in latent space
  latent_nothing,  // zeros in latent space
};

}  // namespace safelight

// Rectangles of a picture: which one a mask asks for, cut out and put back.
#pragma once

#include <cstdint>
#include <optional>

#include "safelight/mask.h"
#include "safelight/picture.h"

namespace safelight {

struct Region {
  std::int64_t x = 0, y = 0, width = 0, height = 0;

  friend bool operator==(const Region&, const Region&) = default;
};

// The smallest region with every value above 0, if there is one.
std::optional<Region> bounding_box(const Mask& mask);

// The same, larger by `padding` on every side, as far as the mask goes. REQUIRES: padding >= 0.
std::optional<Region> bounding_box(const Mask& mask, std::int64_t padding);

// The region grown on one axis to the proportions width : height, as the AUTOMATIC1111 web UI grows it for "Only
// masked": evenly on both sides, moved back inside where it leaves a picture of picture_width x picture_height, and cut
// where it is larger than that. REQUIRES: all sizes >= 1, a region inside the picture.
Region grown_to_aspect(Region region, std::int64_t width, std::int64_t height, std::int64_t picture_width,
                       std::int64_t picture_height);

// REQUIRES: a region of at least one pixel, inside.
Picture crop(const Picture& picture, const Region& region);
Mask crop(const Mask& mask, const Region& region);

// `patch` over `picture` at `region`, by a mask of the picture's size: picture * (1 - m) + patch * m, m = value / 255.
// Where m is 0 or 1, bytes are exact. REQUIRES: a patch of the region's size, a region inside.
void paste(Picture& picture, const Picture& patch, const Region& region, const Mask& mask);

}  // namespace safelight

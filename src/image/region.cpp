#include "image/region.h"

#include <algorithm>
#include <cassert>

namespace safelight {
namespace {

// An interval of a line.
struct Interval {
  std::int64_t begin, length;
};

// Grown to `length` evenly (the odd pixel goes to its end), moved inside 0 .. limit, and cut to it.
Interval grown(Interval interval, std::int64_t length, std::int64_t limit) {
  interval.begin -= (length - interval.length) / 2;
  interval.begin = std::max<std::int64_t>(std::min(interval.begin, limit - length), 0);
  interval.length = std::min(length, limit);
  return interval;
}

template <class Pixels>
void copy_rows(const Pixels& from, std::int64_t channels, const Region& region, const std::vector<std::uint8_t>& bytes,
               std::vector<std::uint8_t>& out) {
  for (std::int64_t y = 0; y < region.height; ++y)
    std::copy_n(bytes.data() + ((region.y + y) * from.width + region.x) * channels, region.width * channels,
                out.data() + y * region.width * channels);
}

[[maybe_unused]] bool is_inside(const Region& region, std::int64_t width, std::int64_t height) {
  return region.x >= 0 && region.y >= 0 && region.width >= 1 && region.height >= 1 &&
         region.x + region.width <= width && region.y + region.height <= height;
}

}  // namespace

std::optional<Region> bounding_box(const Mask& mask) {
  std::int64_t left = mask.width, right = -1, top = -1, bottom = -1;
  for (std::int64_t y = 0; y < mask.height; ++y)
    for (std::int64_t x = 0; x < mask.width; ++x) {
      if (mask.at(x, y) == 0) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      if (top < 0) top = y;
      bottom = y;
    }
  if (right < 0) return std::nullopt;
  return Region{left, top, right - left + 1, bottom - top + 1};
}

std::optional<Region> bounding_box(const Mask& mask, std::int64_t padding) {
  const std::optional<Region> box = bounding_box(mask);
  if (!box) return box;
  // No more than the mask's size, so that no sum overflows.
  padding = std::min(padding, std::max(mask.width, mask.height));
  const std::int64_t left = std::max<std::int64_t>(box->x - padding, 0),
                     top = std::max<std::int64_t>(box->y - padding, 0);
  return Region{left, top, std::min(box->x + box->width + padding, mask.width) - left,
                std::min(box->y + box->height + padding, mask.height) - top};
}

Region grown_to_aspect(Region region, std::int64_t width, std::int64_t height, std::int64_t picture_width,
                       std::int64_t picture_height) {
  assert(is_inside(region, picture_width, picture_height));
  if (region.width * height > region.height * width) {
    const Interval rows = grown({region.y, region.height}, region.width * height / width, picture_height);
    region.y = rows.begin;
    region.height = rows.length;
  } else {
    const Interval columns = grown({region.x, region.width}, region.height * width / height, picture_width);
    region.x = columns.begin;
    region.width = columns.length;
  }
  return region;
}

Picture crop(const Picture& picture, const Region& region) {
  assert(is_inside(region, picture.width, picture.height));
  Picture result(region.width, region.height);
  copy_rows(picture, 3, region, picture.rgb, result.rgb);
  return result;
}

Mask crop(const Mask& mask, const Region& region) {
  assert(is_inside(region, mask.width, mask.height));
  Mask result(region.width, region.height);
  copy_rows(mask, 1, region, mask.values, result.values);
  return result;
}

void paste(Picture& picture, const Picture& patch, const Region& region, const Mask& mask) {
  assert(is_inside(region, picture.width, picture.height));
  assert(patch.width == region.width && patch.height == region.height);
  assert(mask.width == picture.width && mask.height == picture.height);
  for (std::int64_t y = 0; y < region.height; ++y)
    for (std::int64_t x = 0; x < region.width; ++x) {
      const int weight = mask.at(region.x + x, region.y + y);
      std::uint8_t* const out = picture.at(region.x + x, region.y + y);
      const std::uint8_t* const in = patch.at(x, y);
      for (int c = 0; c < 3; ++c)
        out[c] = static_cast<std::uint8_t>((out[c] * (255 - weight) + in[c] * weight + 127) / 255);
    }
}

}  // namespace safelight

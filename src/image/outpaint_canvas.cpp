#include "image/outpaint_canvas.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "core/fail.h"
#include "image/blur.h"
#include "image/codec.h"

namespace safelight {
namespace {

// A pixel at distance d of the picture is blurred with a radius of d * kBlurPerPixel: between two of these.
constexpr std::array<double, 7> kRadii{0, 2, 4, 8, 16, 32, 64};
constexpr double kBlurPerPixel = 0.5;
// The noise's standard deviation grows over so many pixels to this part of the picture's own.
constexpr double kNoiseDistance = 64, kNoise = 0.2;

struct Size {
  std::int64_t width, height;
};

Size canvas_size(const Picture& picture, const Extension& e) {
  const std::array<std::int64_t, 4> sides{e.left, e.top, e.right, e.bottom};
  if (std::ranges::any_of(sides, [](std::int64_t side) { return side < 0; }) ||
      std::ranges::all_of(sides, [](std::int64_t side) { return side == 0; }))
    fail(ErrorCategory::usage,
         "[outpaint] expected one side or more to extend, none by less than 0 pixels, found left {}, top {}, right {}, "
         "bottom {}",
         e.left, e.top, e.right, e.bottom);
  const bool long_side = std::ranges::any_of(sides, [](std::int64_t side) { return side > kMaxSide; });
  const Size size = long_side ? Size{0, 0} : Size{e.left + picture.width + e.right, e.top + picture.height + e.bottom};
  if (long_side || size.width > kMaxSide || size.height > kMaxSide || size.width * size.height > kMaxPixels)
    fail(ErrorCategory::limit, "[outpaint] the canvas would have more than {} million pixels or {} on a side",
         kMaxPixels / 1'000'000, kMaxSide);
  return size;
}

// Every pixel beyond the edge is the nearest one of the picture: what runs out of it goes straight on.
Picture with_edges_repeated(const Picture& picture, const Region& known, const Size& size) {
  Picture canvas(size.width, size.height);
  for (std::int64_t y = 0; y < size.height; ++y)
    for (std::int64_t x = 0; x < size.width; ++x)
      std::copy_n(picture.at(std::clamp<std::int64_t>(x - known.x, 0, picture.width - 1),
                             std::clamp<std::int64_t>(y - known.y, 0, picture.height - 1)),
                  3, canvas.at(x, y));
  return canvas;
}

// How far a pixel is from the region; 0 inside.
double distance(const Region& region, std::int64_t x, std::int64_t y) {
  const std::int64_t dx = std::max<std::int64_t>({region.x - x, x - (region.x + region.width - 1), 0});
  const std::int64_t dy = std::max<std::int64_t>({region.y - y, y - (region.y + region.height - 1), 0});
  return std::hypot(static_cast<double>(dx), static_cast<double>(dy));
}

double contrast(const Picture& picture) {
  double sum = 0, squares = 0;
  for (const std::uint8_t v : picture.rgb) {
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  const auto n = static_cast<double>(picture.rgb.size());
  return std::sqrt(std::max(squares / n - (sum / n) * (sum / n), 0.0));
}

// Noise of unit variance, a function of seed and position alone: four 16-bit parts of SplitMix64's output (Steele, Lea,
// Flood 2014), whose sum is nearly normal.
double noise(std::uint64_t seed, std::uint64_t position) {
  std::uint64_t z = seed + (position + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  double sum = 0;
  for (int i = 0; i < 4; ++i) sum += static_cast<double>(z >> (16 * i) & 0xFFFF) / 65535.0 - 0.5;
  return sum * std::numbers::sqrt3;
}

// Two of the blurred canvases: what lies between their radii is mixed from both.
struct Levels {
  double radius = 0, next_radius = 0;
  std::span<const float> pixels, next_pixels;
};

// The pixels outside whose radius is of these levels.
void paint_outside(Picture& canvas, const Region& known, const Levels& levels, double noise_strength,
                   std::uint64_t seed) {
  for (std::int64_t y = 0; y < canvas.height; ++y)
    for (std::int64_t x = 0; x < canvas.width; ++x) {
      const double away = distance(known, x, y);
      const double radius = std::min(away * kBlurPerPixel, kRadii.back());
      if (away == 0 || radius <= levels.radius || radius > levels.next_radius) continue;
      const double share = (radius - levels.radius) / (levels.next_radius - levels.radius);
      const double strength = noise_strength * std::min(away / kNoiseDistance, 1.0);
      const auto first = static_cast<std::size_t>((y * canvas.width + x) * 3);
      for (std::size_t i = first; i < first + 3; ++i) {
        const double mixed = static_cast<double>(levels.pixels[i]) * (1 - share) +
                             static_cast<double>(levels.next_pixels[i]) * share + strength * noise(seed, i);
        canvas.rgb[i] = static_cast<std::uint8_t>(std::clamp(mixed + 0.5, 0.0, 255.0));
      }
    }
}

}  // namespace

OutpaintCanvas extended(const Picture& picture, const Extension& extension, std::uint64_t seed) {
  const Size size = canvas_size(picture, extension);
  OutpaintCanvas result{{}, {extension.left, extension.top, picture.width, picture.height}};
  result.picture = with_edges_repeated(picture, result.known, size);
  const double noise_strength = kNoise * contrast(picture);
  const std::vector<float> sharp(result.picture.rgb.begin(), result.picture.rgb.end());
  std::vector<float> pixels = sharp;
  for (std::size_t i = 1; i < kRadii.size(); ++i) {
    std::vector<float> next = sharp;
    blur_quickly(next, size.height, size.width, 3, kRadii[i]);
    paint_outside(result.picture, result.known, {kRadii[i - 1], kRadii[i], pixels, next}, noise_strength, seed);
    pixels = std::move(next);
  }
  return result;
}

Mask seam_mask(std::int64_t width, std::int64_t height, const Region& known, std::int64_t overlap) {
  assert(known.x >= 0 && known.y >= 0 && known.x + known.width <= width && known.y + known.height <= height);
  Mask mask(width, height, 255);
  const std::int64_t right = known.x + known.width, bottom = known.y + known.height;
  for (std::int64_t y = known.y; y < bottom; ++y)
    for (std::int64_t x = known.x; x < right; ++x) {
      std::int64_t inside = overlap;  // pixels between this one and the nearest side that was extended
      if (known.x > 0) inside = std::min(inside, x - known.x);
      if (known.y > 0) inside = std::min(inside, y - known.y);
      if (right < width) inside = std::min(inside, right - 1 - x);
      if (bottom < height) inside = std::min(inside, bottom - 1 - y);
      if (inside == overlap) {
        mask.at(x, y) = 0;
        continue;
      }
      const double phase = (static_cast<double>(inside) + 0.5) / static_cast<double>(overlap);
      mask.at(x, y) = static_cast<std::uint8_t>(std::lround(127.5 * (1 + std::cos(std::numbers::pi * phase))));
    }
  return mask;
}

}  // namespace safelight

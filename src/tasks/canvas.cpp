#include "tasks/canvas.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <vector>

#include "image/blur.h"
#include "image/region.h"

namespace safelight {
namespace {

constexpr std::uint8_t kHalf = 128;

std::int64_t rounded_up(std::int64_t side, std::int64_t multiple) {
  return (side + multiple - 1) / multiple * multiple;
}

// The largest value within `reach` of each place on a line of values that lie `stride` apart.
void spread_line(std::uint8_t* line, std::int64_t length, std::int64_t stride, std::int64_t reach,
                 std::vector<std::uint8_t>& copy) {
  for (std::int64_t i = 0; i < length; ++i) copy[static_cast<std::size_t>(i)] = line[i * stride];
  std::vector<std::int64_t> falling;  // places of values that no later one exceeds; from `first` on they count
  std::size_t first = 0;
  for (std::int64_t i = 0; i < length + reach; ++i) {
    if (i < length) {
      const std::uint8_t value = copy[static_cast<std::size_t>(i)];
      while (falling.size() > first && copy[static_cast<std::size_t>(falling.back())] <= value) falling.pop_back();
      falling.push_back(i);
    }
    if (i < reach) continue;
    while (falling[first] < i - 2 * reach) ++first;
    line[(i - reach) * stride] = copy[static_cast<std::size_t>(falling[first])];
  }
}

Mask spread(Mask mask, std::int64_t reach) {
  std::vector<std::uint8_t> copy(static_cast<std::size_t>(std::max(mask.width, mask.height)));
  for (std::int64_t y = 0; y < mask.height; ++y) spread_line(&mask.at(0, y), mask.width, 1, reach, copy);
  for (std::int64_t x = 0; x < mask.width; ++x) spread_line(&mask.at(x, 0), mask.height, mask.width, reach, copy);
  return mask;
}

// 1 at a distance of 1, 0 from `reach` + 1 on; half a cosine wave between them.
double fading(double distance, std::int64_t reach) {
  const double way = std::min((distance - 1) / static_cast<double>(reach), 1.0);
  return 0.5 + 0.5 * std::cos(std::numbers::pi * way);
}

}  // namespace

CanvasSize size_for(const GenerateOptions& options, const Picture& picture, std::int64_t multiple) {
  const auto side = [multiple](std::int64_t wanted, std::int64_t of_picture) {
    return wanted ? wanted : std::max(of_picture / multiple, std::int64_t{1}) * multiple;
  };
  return {side(options.width, picture.width), side(options.height, picture.height)};
}

Picture padded(const Picture& picture, std::int64_t multiple) {
  Picture result(rounded_up(picture.width, multiple), rounded_up(picture.height, multiple));
  for (std::int64_t y = 0; y < result.height; ++y)
    for (std::int64_t x = 0; x < result.width; ++x)
      std::copy_n(picture.at(std::min(x, picture.width - 1), std::min(y, picture.height - 1)), 3, result.at(x, y));
  return result;
}

Mask padded(const Mask& mask, std::int64_t multiple) {
  Mask result(rounded_up(mask.width, multiple), rounded_up(mask.height, multiple));
  for (std::int64_t y = 0; y < result.height; ++y)
    for (std::int64_t x = 0; x < result.width; ++x)
      result.at(x, y) = mask.at(std::min(x, mask.width - 1), std::min(y, mask.height - 1));
  return result;
}

Tensor mean_mask(const Mask& mask, std::int64_t factor) {
  Tensor result = Tensor::allocate(DType::F32, {1, mask.height / factor, mask.width / factor, 1});
  float* out = result.mutable_floats().data();
  for (std::int64_t y = 0; y < result.dim(1); ++y)
    for (std::int64_t x = 0; x < result.dim(2); ++x) {
      std::int64_t sum = 0;
      for (std::int64_t dy = 0; dy < factor; ++dy)
        for (std::int64_t dx = 0; dx < factor; ++dx) sum += mask.at(x * factor + dx, y * factor + dy);
      *out++ = static_cast<float>(static_cast<double>(sum) / static_cast<double>(255 * factor * factor));
    }
  return result;
}

Tensor hard_mask(const Mask& mask, std::int64_t factor) {
  Tensor result = Tensor::allocate(DType::F32, {1, mask.height / factor, mask.width / factor, 1});
  float* out = result.mutable_floats().data();
  for (std::int64_t y = 0; y < result.dim(1); ++y)
    for (std::int64_t x = 0; x < result.dim(2); ++x) *out++ = mask.at(x * factor, y * factor) >= kHalf ? 1.0f : 0.0f;
  return result;
}

Tensor without_masked(const Picture& picture, const Mask& mask) {
  Tensor result = to_tensor(picture);
  const std::span<float> values = result.mutable_floats();
  for (std::size_t i = 0; i < mask.values.size(); ++i)
    if (mask.values[i] >= kHalf) std::ranges::fill(values.subspan(3 * i, 3), 0.0f);
  return result;
}

// A blurred edge is a half where the mask ends, and all where it is full: what is above the half of the largest value
// nearby is stretched to the whole range.
Mask faded_inwards(const Mask& mask, double radius) {
  if (radius == 0) return mask;
  const Mask soft = blurred(mask, radius);
  const Mask most = spread(soft, static_cast<std::int64_t>(std::ceil(2 * radius)));
  Mask result = mask;
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    if (mask.values[i] == 0 || most.values[i] == 0) continue;
    const double share = 2.0 * soft.values[i] / most.values[i] - 1;
    const auto value = static_cast<std::uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
    result.values[i] = std::min(mask.values[i], value);
  }
  return result;
}

void meet_seam(Picture& painted, const Picture& original, const Region& known, std::int64_t reach) {
  constexpr std::int64_t kDepth = 4, kAlong = 4;  // pixels of the border that a mean difference is of
  constexpr std::int64_t kNear = 8;               // how far a pixel's own difference reaches: a latent pixel
  if (reach <= 0) return;
  const auto own = [&](std::int64_t x, std::int64_t y, int c) -> double {  // at a pixel of the border
    return original.at(x - known.x, y - known.y)[c] - painted.at(x, y)[c];
  };
  const auto mean = [&](std::int64_t x, std::int64_t y, int c) {  // around one
    const auto near = [](std::int64_t at, std::int64_t first, std::int64_t length, std::int64_t by) {
      return std::pair(std::max(first, at - by), std::min(first + length - 1, at + by));
    };
    const bool on_side = x == known.x || x == known.x + known.width - 1;
    const auto [x0, x1] = near(x, known.x, known.width, on_side ? kDepth : kAlong);
    const auto [y0, y1] = near(y, known.y, known.height, on_side ? kAlong : kDepth);
    double sum = 0;
    for (std::int64_t v = y0; v <= y1; ++v)
      for (std::int64_t u = x0; u <= x1; ++u) sum += own(u, v, c);
    return sum / static_cast<double>((x1 - x0 + 1) * (y1 - y0 + 1));
  };
  for (std::int64_t y = 0; y < painted.height; ++y)
    for (std::int64_t x = 0; x < painted.width; ++x) {
      const std::int64_t u = std::clamp(x, known.x, known.x + known.width - 1),
                         v = std::clamp(y, known.y, known.y + known.height - 1);
      const double distance = std::hypot(static_cast<double>(x - u), static_cast<double>(y - v));
      if (distance == 0 || distance > static_cast<double>(reach)) continue;
      const double far_share = fading(distance, reach), near_share = fading(distance, std::min(kNear, reach));
      for (int c = 0; c < 3; ++c) {
        const double far = mean(u, v, c), near = own(u, v, c);
        const double value = painted.at(x, y)[c] + far_share * far + near_share * (near - far);
        painted.at(x, y)[c] = static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
      }
    }
}

}  // namespace safelight

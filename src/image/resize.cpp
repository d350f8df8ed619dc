#include "image/resize.h"

#include <numbers>

#include "image/resampling.h"

namespace safelight {
namespace {

constexpr double kLobes = 3.0;

double lanczos(double x) {
  if (x == 0.0) return 1.0;
  if (std::abs(x) >= kLobes) return 0.0;
  const double p = std::numbers::pi * x;
  return kLobes * std::sin(p) * std::sin(p / kLobes) / (p * p);
}

std::uint8_t to_byte(float v) { return static_cast<std::uint8_t>(std::clamp(v + 0.5f, 0.0f, 255.0f)); }

void resize_bytes(std::span<const std::uint8_t> in, std::int64_t height, std::int64_t width, std::int64_t channels,
                  std::int64_t out_height, std::int64_t out_width, std::span<std::uint8_t> out) {
  const std::vector<Taps> rows = antialiased_taps(height, out_height, kLobes, lanczos);
  const std::vector<Taps> columns = antialiased_taps(width, out_width, kLobes, lanczos);
  std::ranges::transform(resampled(in, height, width, channels, rows, columns), out.begin(), to_byte);
}

}  // namespace

Picture resize(const Picture& picture, std::int64_t width, std::int64_t height) {
  if (width == picture.width && height == picture.height) return picture;
  Picture result(width, height);
  resize_bytes(picture.rgb, picture.height, picture.width, 3, height, width, result.rgb);
  return result;
}

Mask resize(const Mask& mask, std::int64_t width, std::int64_t height) {
  if (width == mask.width && height == mask.height) return mask;
  Mask result(width, height);
  resize_bytes(mask.values, mask.height, mask.width, 1, height, width, result.values);
  return result;
}

}  // namespace safelight

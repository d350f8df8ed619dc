#include "image/resize_mode.h"

#include <algorithm>
#include <array>

#include "image/resize.h"

namespace safelight {
namespace {

constexpr std::array<std::string_view, 1> kStretch{"Just resize"};
constexpr std::array<std::string_view, 1> kCrop{"Crop and resize"};
constexpr std::array<std::string_view, 1> kFill{"Resize and fill"};

constexpr std::array<ResizeModeInfo, 3> kModes{{
    {ResizeMode::stretch, {"stretch", "stretch", kStretch}},
    {ResizeMode::crop, {"crop", "crop", kCrop}},
    {ResizeMode::fill, {"fill", "fill", kFill}},
}};

struct Size {
  std::int64_t width, height;
};

// The size with the proportions of `from` that covers `to`, or fits into it. Fractions of a pixel are dropped, as in
// the web UI; a side has one pixel at least.
Size proportional(const Size& from, const Size& to, bool covers) {
  const bool is_wider = from.width * to.height > to.width * from.height;
  if (is_wider == covers) return {std::max<std::int64_t>(from.width * to.height / from.height, 1), to.height};
  return {to.width, std::max<std::int64_t>(from.height * to.width / from.width, 1)};
}

// The middle of `in`, or `in` in the middle: what lies outside repeats the nearest pixel.
void centre(const std::vector<std::uint8_t>& in, const Size& from, std::vector<std::uint8_t>& out, const Size& to,
            std::int64_t channels) {
  const std::int64_t left = to.width / 2 - from.width / 2, top = to.height / 2 - from.height / 2;
  std::uint8_t* next = out.data();
  for (std::int64_t y = 0; y < to.height; ++y)
    for (std::int64_t x = 0; x < to.width; ++x, next += channels) {
      const std::int64_t from_x = std::clamp<std::int64_t>(x - left, 0, from.width - 1);
      const std::int64_t from_y = std::clamp<std::int64_t>(y - top, 0, from.height - 1);
      std::copy_n(in.data() + (from_y * from.width + from_x) * channels, channels, next);
    }
}

std::vector<std::uint8_t>& bytes_of(Picture& picture) { return picture.rgb; }
std::vector<std::uint8_t>& bytes_of(Mask& mask) { return mask.values; }

template <class Pixels>
Pixels resize_any(const Pixels& pixels, const Size& to, ResizeMode mode, std::int64_t channels) {
  if (mode == ResizeMode::stretch) return resize(pixels, to.width, to.height);
  const Size size = proportional({pixels.width, pixels.height}, to, mode == ResizeMode::crop);
  Pixels scaled = resize(pixels, size.width, size.height);
  Pixels result(to.width, to.height);
  centre(bytes_of(scaled), size, bytes_of(result), to, channels);
  return result;
}

}  // namespace

std::span<const ResizeModeInfo> resize_modes() noexcept { return kModes; }

const ResizeModeInfo& info(ResizeMode mode) noexcept { return *std::ranges::find(kModes, mode, &ResizeModeInfo::mode); }

ResizeMode parse_resize_mode(std::string_view name) {
  if (const ResizeModeInfo* row = find_by_name(resize_modes(), name)) return row->mode;
  fail_unknown_name("resize mode", resize_modes(), name);
}

Picture resize_to(const Picture& picture, std::int64_t width, std::int64_t height, ResizeMode mode) {
  return resize_any(picture, {width, height}, mode, 3);
}

Mask resize_to(const Mask& mask, std::int64_t width, std::int64_t height, ResizeMode mode) {
  return resize_any(mask, {width, height}, mode, 1);
}

}  // namespace safelight

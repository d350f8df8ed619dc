// Pictures as pixels, and as PNG files with the text stored inside them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "safelight/tensor.h"

namespace safelight {

// 8-bit RGB in sRGB, rows from the top, three bytes per pixel, no padding. A plain value.
struct Picture {
  std::int64_t width = 0, height = 0;
  std::vector<std::uint8_t> rgb;  // width * height * 3 bytes

  Picture() = default;
  Picture(std::int64_t w, std::int64_t h) : width(w), height(h), rgb(static_cast<std::size_t>(w * h * 3)) {}

  std::uint8_t* at(std::int64_t x, std::int64_t y) noexcept { return rgb.data() + (y * width + x) * 3; }
  const std::uint8_t* at(std::int64_t x, std::int64_t y) const noexcept { return rgb.data() + (y * width + x) * 3; }
};

// The text chunks of a PNG file, keyword -> UTF-8 text. Stable Diffusion programs keep their settings in "parameters".
using PictureText = std::map<std::string, std::string>;

struct PictureFile {
  Picture picture;
  PictureText text;
};

// Decodes a PNG of any kind (palette, grey, 16 bits, interlaced); transparent parts are shown on white.
// Throws Error(format) if the bytes are no sound PNG, saying what they are instead where that is known, and
// Error(limit) for more than 100 million pixels or 65535 on a side. `name` is what messages call it.
PictureFile decode_png(std::span<const std::byte> file, std::string_view name = "picture");

// Throws Error(usage) for a keyword that PNG does not allow (1 to 79 printable ASCII characters) or a NUL in the text.
std::vector<std::byte> encode_png(const Picture& picture, const PictureText& text = {});

// The same from and to a file. Writing is atomic: on any failure an older file is intact and nothing is left behind.
// They also throw Error(io).
PictureFile read_png(const std::filesystem::path& path);
void write_png(const std::filesystem::path& path, const Picture& picture, const PictureText& text = {});

// F32 [1, h, w, 3] or [h, w, 3], nominally in [-1, 1] -> 8 bits: round((v + 1) * 127.5), clamped; NaN becomes 0.
Picture to_picture(const Tensor& pixels);

}  // namespace safelight

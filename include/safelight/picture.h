// Pictures as pixels, and as PNG, JPEG and WebP files with the text stored inside them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
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

// The texts inside a picture's file, keyword -> UTF-8. Stable Diffusion programs keep their settings in "parameters";
// ComfyUI keeps its graphs in "prompt" and "workflow". In a PNG any keyword is a text chunk. In JPEG and WebP
// "parameters" is the user comment of the EXIF data; "prompt" and "workflow" are read as ComfyUI puts them there.
using PictureText = std::map<std::string, std::string>;

enum class PictureFormat { png, jpeg, webp };

struct PictureFile {
  Picture picture;
  PictureText text = {};
  std::vector<std::uint8_t> alpha = {};  // width * height bytes, 0 transparent .. 255 opaque; empty if all is opaque
  PictureFormat format = PictureFormat::png;
  int orientation = 1;  // how EXIF says that the pixels are stored, 1 to 8: already undone
};

struct PictureOptions {
  int quality = 90;       // of JPEG and WebP: 1 (smallest) to 100 (best); from 90 on, a JPEG keeps its colours sharp
  bool lossless = false;  // WebP: every pixel exact, and the quality is how hard to look for a small file
};

// Decodes the first picture of a PNG, JPEG or WebP file of any kind (palette, grey, 16 bits, CMYK, progressive,
// animated), whichever its first bytes say it is. The EXIF orientation is applied; transparent parts are shown on
// white. Throws Error(format) if the bytes are no sound picture, saying what they are instead where that is known, and
// for a file whose end is missing, and Error(limit) for more than 100 million pixels or 65535 on a side, before memory
// is taken for them. `name` is what messages call it.
PictureFile decode_picture(std::span<const std::byte> file, std::string_view name = "picture");

// Throws Error(usage) for a quality out of range, a keyword that PNG does not allow (1 to 79 printable ASCII
// characters) or that JPEG and WebP have no place for (any but "parameters"), a NUL in the text or a text that is not
// UTF-8; Error(limit) for a picture or text that is too large for the format (WebP: 16383 pixels on a side; JPEG: about
// 32,000 characters). REQUIRES: a picture that is not empty.
std::vector<std::byte> encode_picture(PictureFormat format, const Picture& picture, const PictureText& text = {},
                                      const PictureOptions& options = {});

// By the extension: .png, .jpg, .jpeg, .webp in any case. Throws Error(usage) for any other.
PictureFormat picture_format(const std::filesystem::path& path);

std::string_view name(PictureFormat format) noexcept;  // "PNG", "JPEG", "WebP"

// From and to a file. The format is read from the content, and written as the name's extension says. Writing is atomic:
// on any failure an older file is intact and nothing is left behind. They also throw Error(io).
PictureFile read_picture(const std::filesystem::path& path);
void write_picture(const std::filesystem::path& path, const Picture& picture, const PictureText& text = {},
                   const PictureOptions& options = {});

// The same for PNG alone, whatever the name; reading refuses other formats.
PictureFile decode_png(std::span<const std::byte> file, std::string_view name = "picture");
std::vector<std::byte> encode_png(const Picture& picture, const PictureText& text = {});
PictureFile read_png(const std::filesystem::path& path);
void write_png(const std::filesystem::path& path, const Picture& picture, const PictureText& text = {});

// F32 [1, h, w, 3] or [h, w, 3], nominally in [-1, 1] -> 8 bits: round((v + 1) * 127.5), clamped; NaN becomes 0.
Picture to_picture(const Tensor& pixels);

// The inverse: F32 [1, h, w, 3] in [-1, 1], v / 127.5 - 1.
Tensor to_tensor(const Picture& picture);

// How a picture comes to another size that may have other proportions; as in the AUTOMATIC1111 web UI.
enum class ResizeMode {
  stretch,  // each side by itself
  crop,     // proportions kept, scaled to cover the new size, what is too much cut off evenly on both sides
  fill,     // proportions kept, scaled to fit into the new size, centred; outer rows or columns repeated beyond it
};

// Pixels to add on each side of a picture.
struct Extension {
  std::int64_t left = 0, top = 0, right = 0, bottom = 0;

  bool operator==(const Extension&) const = default;
};

}  // namespace safelight

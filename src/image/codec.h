// What the picture formats share. Each is one file that wraps its library: png.cpp, jpeg.cpp, webp.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "image/exif.h"
#include "safelight/picture.h"

namespace safelight {

inline constexpr std::int64_t kMaxSide = 65535;
inline constexpr std::int64_t kMaxPixels = 100'000'000;  // 400 MB while decoding: a bomb is refused, 10k x 10k is not
inline constexpr std::size_t kMaxTextBytes = 16u << 20;  // of one text, unpacked

// A picture's file, borrowed.
struct EncodedPicture {
  std::span<const std::byte> bytes;
  std::string_view name;  // for messages
  std::int64_t most_pixels = kMaxPixels;
};

// The format that the first bytes show.
std::optional<PictureFormat> sniff(std::span<const std::byte> file) noexcept;

// Throws Error(format): "[picture] NAME: expected a PNG, JPEG or WebP picture, found ...".
[[noreturn]] void fail_other_format(const EncodedPicture& file, std::string_view who, std::string_view expected);

// Throws Error(format): "[jpeg] NAME: damaged: REASON".
[[noreturn]] void fail_damaged(const EncodedPicture& file, PictureFormat format, std::string_view reason);

// Throws Error(limit) for a picture that is too large.
void check_size(const EncodedPicture& file, PictureFormat format, std::int64_t width, std::int64_t height);

// Pixels over white, and their alpha unless all are opaque. REQUIRES: width * height * 4 bytes.
PictureFile from_rgba(std::int64_t width, std::int64_t height, std::span<const std::uint8_t> rgba);

// Puts upright what the EXIF data says is not, and adds its texts to those that the file has.
void apply_exif(PictureFile& file, Exif exif);

// The EXIF data that JPEG and WebP carry `text` in; empty if there is none. Throws as encode_picture().
std::vector<std::byte> exif_for(PictureFormat format, const PictureText& text);

// REQUIRES: sniff() says that it is this format.
PictureFile decode_png(const EncodedPicture& file);
PictureFile decode_jpeg(const EncodedPicture& file);
PictureFile decode_webp(const EncodedPicture& file);
PictureFile decode_picture(const EncodedPicture& file);  // any format

std::vector<std::byte> encode_jpeg(const Picture& picture, const PictureText& text, const PictureOptions& options);
std::vector<std::byte> encode_webp(const Picture& picture, const PictureText& text, const PictureOptions& options);

}  // namespace safelight

#include "image/codec.h"

#include <algorithm>
#include <array>
#include <string>

#include "core/fail.h"
#include "core/printable.h"
#include "image/infotext.h"
#include "image/orientation.h"

namespace safelight {
namespace {

using namespace std::string_view_literals;

struct FormatInfo {
  PictureFormat format;
  std::string_view name, who;  // for readers, and the one who complains
};
constexpr std::array<FormatInfo, 3> kFormats{{
    {PictureFormat::png, "PNG", "png"},
    {PictureFormat::jpeg, "JPEG", "jpeg"},
    {PictureFormat::webp, "WebP", "webp"},
}};

const FormatInfo& info(PictureFormat format) noexcept {
  return *std::ranges::find(kFormats, format, &FormatInfo::format);
}

struct NameEnding {
  std::string_view extension;
  PictureFormat format;
};
constexpr std::array<NameEnding, 4> kExtensions{{
    {".png", PictureFormat::png},
    {".jpg", PictureFormat::jpeg},
    {".jpeg", PictureFormat::jpeg},
    {".webp", PictureFormat::webp},
}};

std::string_view first_bytes(std::span<const std::byte> file, std::size_t count) noexcept {
  return {reinterpret_cast<const char*>(file.data()), std::min(file.size(), count)};
}

std::string_view kind_of(std::span<const std::byte> file) noexcept {
  if (file.empty()) return "an empty file";
  if (const auto format = sniff(file)) return info(*format).name;
  const std::string_view start = first_bytes(file, 16);
  if (start.starts_with("GIF8")) return "a GIF picture";
  if (start.starts_with("BM")) return "a BMP picture";
  if (start.starts_with("II*\0"sv) || start.starts_with("MM\0*"sv)) return "a TIFF picture";
  if (start.substr(std::min<std::size_t>(start.size(), 4)).starts_with("ftyp"))
    return "an AVIF or HEIF picture, or a film";
  if (start.starts_with("\0\0\0\x0CJXL "sv) || start.starts_with("\xFF\x0A")) return "a JPEG XL picture";
  if (start.starts_with("RIFF")) return "a RIFF file that is no WebP";
  if (start.starts_with("version https://")) return "a Git LFS pointer (the picture itself was not downloaded)";
  if (start.starts_with("<")) return "a web page or XML";
  return "something else";
}

}  // namespace

std::optional<PictureFormat> sniff(std::span<const std::byte> file) noexcept {
  const std::string_view start = first_bytes(file, 12);
  if (start.starts_with("\x89PNG\r\n\x1A\n")) return PictureFormat::png;
  if (start.starts_with("\xFF\xD8\xFF")) return PictureFormat::jpeg;
  if (start.starts_with("RIFF") && start.ends_with("WEBP") && start.size() == 12) return PictureFormat::webp;
  return std::nullopt;
}

void fail_other_format(const EncodedPicture& file, std::string_view who, std::string_view expected) {
  fail(ErrorCategory::format, "[{}] {}: expected a {} picture, found {}", who, file.name, expected,
       kind_of(file.bytes));
}

void fail_damaged(const EncodedPicture& file, PictureFormat format, std::string_view reason) {
  fail(ErrorCategory::format, "[{}] {}: damaged: {}", info(format).who, file.name, reason);
}

void check_size(const EncodedPicture& file, PictureFormat format, std::int64_t width, std::int64_t height) {
  if (width > kMaxSide || height > kMaxSide || width * height > file.most_pixels)
    fail(ErrorCategory::limit, "[{}] {}: {} x {} pixels, expected at most {} million, and {} on a side",
         info(format).who, file.name, width, height, kMaxPixels / 1'000'000, kMaxSide);
}

PictureFile from_rgba(std::int64_t width, std::int64_t height, std::span<const std::uint8_t> rgba) {
  PictureFile file{.picture = Picture(width, height)};
  const std::size_t pixels = rgba.size() / 4;
  bool opaque = true;
  for (std::size_t i = 0; i < pixels; ++i) {
    const int alpha = rgba[i * 4 + 3];
    opaque = opaque && alpha == 255;
    for (std::size_t c = 0; c < 3; ++c)
      file.picture.rgb[i * 3 + c] =
          static_cast<std::uint8_t>((rgba[i * 4 + c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  if (opaque) return file;
  file.alpha.resize(pixels);
  for (std::size_t i = 0; i < pixels; ++i) file.alpha[i] = rgba[i * 4 + 3];
  return file;
}

void apply_exif(PictureFile& file, Exif exif) {
  put_upright(file, exif.orientation);
  file.orientation = exif.orientation;
  file.text.merge(exif.text);
}

std::vector<std::byte> exif_for(PictureFormat format, const PictureText& text) {
  for (const auto& [key, value] : text) {
    if (key != kInfotextKeyword)
      fail(ErrorCategory::usage, "[{}] expected text under '{}' alone, which {} has a place for, found '{}'",
           info(format).who, kInfotextKeyword, info(format).name, key);
    if (value.find('\0') != std::string::npos)
      fail(ErrorCategory::usage, "[{}] the text of '{}' contains a NUL byte", info(format).who, key);
  }
  return text.empty() ? std::vector<std::byte>() : write_exif(text.begin()->second);
}

PictureFile decode_picture(const EncodedPicture& file) {
  const std::optional<PictureFormat> format = sniff(file.bytes);
  if (!format) fail_other_format(file, "picture", "PNG, JPEG or WebP");
  switch (*format) {
    case PictureFormat::png:
      return decode_png(file);
    case PictureFormat::jpeg:
      return decode_jpeg(file);
    case PictureFormat::webp:
      break;
  }
  return decode_webp(file);
}

PictureFile decode_picture(std::span<const std::byte> file, std::string_view name) {
  return decode_picture(EncodedPicture{file, name});
}

PictureFile decode_png(std::span<const std::byte> file, std::string_view name) {
  const EncodedPicture encoded{file, name};
  if (sniff(file) != PictureFormat::png) fail_other_format(encoded, "png", "PNG");
  return decode_png(encoded);
}

std::vector<std::byte> encode_picture(PictureFormat format, const Picture& picture, const PictureText& text,
                                      const PictureOptions& options) {
  if (options.quality < 1 || options.quality > 100)
    fail(ErrorCategory::usage, "[{}] expected a quality of 1 to 100, found {}", info(format).who, options.quality);
  switch (format) {
    case PictureFormat::png:
      return encode_png(picture, text);
    case PictureFormat::jpeg:
      return encode_jpeg(picture, text, options);
    case PictureFormat::webp:
      break;
  }
  return encode_webp(picture, text, options);
}

std::string_view name(PictureFormat format) noexcept { return info(format).name; }

PictureFormat picture_format(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto* const found = std::ranges::find(kExtensions, extension, &NameEnding::extension);
  if (found == kExtensions.end())
    fail(ErrorCategory::usage, "[picture] expected a name ending in .png, .jpg, .jpeg or .webp, found {}",
         printable(path.native()));
  return found->format;
}

}  // namespace safelight

// PNG through libpng. libpng reports errors with longjmp, so every call that can fail runs inside succeeds(), whose
// body holds no object with a destructor.
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "core/fail.h"
#include "safelight/picture.h"

namespace safelight {
namespace {

constexpr png_uint_32 kMaxSide = 65535;
constexpr std::int64_t kMaxPixels = 100'000'000;  // 400 MB while decoding: a bomb is refused, a 10k x 10k map is not
constexpr std::size_t kMaxTextBytes = 16u << 20;  // of one compressed chunk, unpacked
constexpr png_uint_32 kMaxChunks = 1000;

struct Failure {
  std::array<char, 160> message{};
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* failure = static_cast<Failure*>(png_get_error_ptr(png));
  std::snprintf(failure->message.data(), failure->message.size(), "%s", message);
  longjmp(png_jmpbuf(png), 1);
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

// Runs `body`; false if libpng gave up in it. REQUIRES: no object with a destructor lives in `body` at a libpng call.
template <class Body>
bool succeeds(png_structp png, Body&& body) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  body();
  return true;
}

// --- reading --------------------------------------------------------------------------------------------------------

struct Source {
  const std::byte* next = nullptr;
  std::size_t left = 0;
};

void read_from_memory(png_structp png, png_bytep out, std::size_t bytes) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (bytes > source->left) png_error(png, "the file ends too early");
  std::memcpy(out, source->next, bytes);
  source->next += bytes;
  source->left -= bytes;
}

struct Reader {
  Failure failure;
  Source source;
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit Reader(std::span<const std::byte> file) : source{file.data(), file.size()} {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!info) throw std::bad_alloc();
    png_set_read_fn(png, &source, read_from_memory);
    png_set_user_limits(png, kMaxSide, kMaxSide);
    png_set_chunk_malloc_max(png, kMaxTextBytes);
    png_set_chunk_cache_max(png, kMaxChunks);
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

std::string latin1_to_utf8(std::string_view text) {
  std::string utf8;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xC0 | (byte >> 6));
      utf8 += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return utf8;
}

PictureText collect_text(const Reader& reader) {
  PictureText result;
  png_textp chunks = nullptr;
  const int count = png_get_text(reader.png, reader.info, &chunks, nullptr);
  for (int i = 0; i < count; ++i) {
    const bool utf8 = chunks[i].compression >= PNG_ITXT_COMPRESSION_NONE;  // iTXt; tEXt and zTXt are Latin-1
    const std::string_view text(chunks[i].text, utf8 ? chunks[i].itxt_length : chunks[i].text_length);
    result.emplace(chunks[i].key, utf8 ? std::string(text) : latin1_to_utf8(text));
  }
  return result;
}

// RGBA over white.
void flatten(std::span<const png_byte> rgba, std::span<std::uint8_t> rgb) {
  for (std::size_t pixel = 0; pixel < rgb.size() / 3; ++pixel) {
    const int alpha = rgba[pixel * 4 + 3];
    for (std::size_t c = 0; c < 3; ++c)
      rgb[pixel * 3 + c] = static_cast<std::uint8_t>((rgba[pixel * 4 + c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}

[[noreturn]] void fail_not_png(std::span<const std::byte> file, std::string_view name) {
  const std::string_view start(reinterpret_cast<const char*>(file.data()), std::min<std::size_t>(file.size(), 16));
  std::string_view found = "something else";
  if (start.empty()) found = "an empty file";
  if (start.starts_with("\xFF\xD8\xFF")) found = "a JPEG picture";
  if (start.starts_with("GIF8")) found = "a GIF picture";
  if (start.starts_with("RIFF")) found = "a WebP picture or another RIFF file";
  if (start.starts_with("version https://")) found = "a Git LFS pointer (the picture itself was not downloaded)";
  if (start.starts_with("<")) found = "a web page or XML";
  fail(ErrorCategory::format, "[png] {}: expected a PNG picture, found {}", name, found);
}

// --- writing --------------------------------------------------------------------------------------------------------

struct Writer {
  Failure failure;
  std::vector<std::byte> bytes;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Writer() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!info) throw std::bad_alloc();
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

void write_to_memory(png_structp png, png_bytep data, std::size_t bytes) {
  auto* out = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  try {
    const auto* begin = reinterpret_cast<const std::byte*>(data);
    out->insert(out->end(), begin, begin + bytes);
    return;
  } catch (const std::bad_alloc&) {  // must not travel through libpng's frames
  }
  png_error(png, "out of memory");
}

void flush_memory(png_structp /*png*/) {}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void check_text(const PictureText& text) {
  for (const auto& [key, value] : text) {
    const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (key.empty() || key.size() > 79 || !printable || key.front() == ' ' || key.back() == ' ')
      fail(ErrorCategory::usage, "[png] '{}' is no keyword that PNG allows", key);
    if (value.find('\0') != std::string::npos)
      fail(ErrorCategory::usage, "[png] the text of '{}' contains a NUL byte", key);
  }
}

// ASCII goes into tEXt, which every reader knows; the rest into iTXt, which is UTF-8. libpng copies what it is given.
std::vector<png_text> text_chunks(const PictureText& text) {
  std::vector<png_text> chunks;
  for (const auto& [key, value] : text) {
    png_text chunk{};
    chunk.compression = is_ascii(value) ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    chunk.key = const_cast<char*>(key.c_str());
    chunk.text = const_cast<char*>(value.c_str());
    (is_ascii(value) ? chunk.text_length : chunk.itxt_length) = value.size();
    chunks.push_back(chunk);
  }
  return chunks;
}

}  // namespace

PictureFile decode_png(std::span<const std::byte> file, std::string_view name) {
  if (png_sig_cmp(reinterpret_cast<png_const_bytep>(file.data()), 0, std::min<std::size_t>(file.size(), 8)) != 0 ||
      file.size() < 8)
    fail_not_png(file, name);
  Reader reader(file);
  const auto corrupt = [&] {
    fail(ErrorCategory::format, "[png] {}: damaged: {}", name, reader.failure.message.data());
  };

  bool sound = succeeds(reader.png, [&] {
    png_read_info(reader.png, reader.info);
    png_set_expand(reader.png);
    png_set_strip_16(reader.png);
    png_set_gray_to_rgb(reader.png);
    png_set_add_alpha(reader.png, 0xFF, PNG_FILLER_AFTER);
    png_set_interlace_handling(reader.png);
    png_read_update_info(reader.png, reader.info);
  });
  if (!sound) corrupt();
  const std::int64_t width = png_get_image_width(reader.png, reader.info);
  const std::int64_t height = png_get_image_height(reader.png, reader.info);
  if (width * height > kMaxPixels)
    fail(ErrorCategory::limit, "[png] {}: {} x {} pixels are more than the {} million allowed", name, width, height,
         kMaxPixels / 1'000'000);

  std::vector<png_byte> rgba(static_cast<std::size_t>(width * height * 4));
  std::vector<png_bytep> rows(static_cast<std::size_t>(height));
  for (std::int64_t y = 0; y < height; ++y) rows[static_cast<std::size_t>(y)] = rgba.data() + y * width * 4;
  sound = succeeds(reader.png, [&] {
    png_read_image(reader.png, rows.data());
    png_read_end(reader.png, reader.info);
  });
  if (!sound) corrupt();

  PictureFile result{Picture(width, height), collect_text(reader)};
  flatten(rgba, result.picture.rgb);
  return result;
}

std::vector<std::byte> encode_png(const Picture& picture, const PictureText& text) {
  check_text(text);
  Writer writer;
  const std::vector<png_text> chunks = text_chunks(text);
  std::vector<png_bytep> rows(static_cast<std::size_t>(picture.height));
  for (std::int64_t y = 0; y < picture.height; ++y)
    rows[static_cast<std::size_t>(y)] = const_cast<png_bytep>(picture.at(0, y));

  const bool written = succeeds(writer.png, [&] {
    png_set_write_fn(writer.png, &writer.bytes, write_to_memory, flush_memory);
    png_set_user_limits(writer.png, kMaxSide, kMaxSide);
    png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(picture.width),
                 static_cast<png_uint_32>(picture.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!chunks.empty()) png_set_text(writer.png, writer.info, chunks.data(), static_cast<int>(chunks.size()));
    png_write_info(writer.png, writer.info);
    png_write_image(writer.png, rows.data());
    png_write_end(writer.png, nullptr);
  });
  if (!written)
    fail(ErrorCategory::limit, "[png] cannot encode {} x {} pixels: {}", picture.width, picture.height,
         writer.failure.message.data());
  return std::move(writer.bytes);
}

}  // namespace safelight

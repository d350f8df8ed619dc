// PNG through libpng. libpng reports errors with longjmp, so every call that can fail runs inside succeeds(), whose
// body holds no object with a destructor.
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "core/fail.h"
#include "core/utf8.h"
#include "image/codec.h"

namespace safelight {
namespace {

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

Exif collect_exif(const Reader& reader) {
  png_bytep data = nullptr;
  png_uint_32 bytes = 0;
  if (png_get_eXIf_1(reader.png, reader.info, &bytes, &data) == 0) return {};
  return read_exif({reinterpret_cast<const std::byte*>(data), bytes});
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

PictureFile decode_png(const EncodedPicture& file) {
  Reader reader(file.bytes);
  const auto read = [&](auto&& body) {
    if (!succeeds(reader.png, body)) fail_damaged(file, PictureFormat::png, reader.failure.message.data());
  };
  read([&] {
    png_read_info(reader.png, reader.info);
    png_set_expand(reader.png);
    png_set_strip_16(reader.png);
    png_set_gray_to_rgb(reader.png);
    png_set_add_alpha(reader.png, 0xFF, PNG_FILLER_AFTER);
    png_set_interlace_handling(reader.png);
    png_read_update_info(reader.png, reader.info);
  });
  const std::int64_t width = png_get_image_width(reader.png, reader.info);
  const std::int64_t height = png_get_image_height(reader.png, reader.info);
  check_size(file, PictureFormat::png, width, height);

  std::vector<png_byte> rgba(static_cast<std::size_t>(width * height * 4));
  std::vector<png_bytep> rows(static_cast<std::size_t>(height));
  for (std::int64_t y = 0; y < height; ++y) rows[static_cast<std::size_t>(y)] = rgba.data() + y * width * 4;
  read([&] {
    png_read_image(reader.png, rows.data());
    png_read_end(reader.png, reader.info);
  });

  PictureFile result = from_rgba(width, height, rgba);
  result.text = collect_text(reader);
  apply_exif(result, collect_exif(reader));
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

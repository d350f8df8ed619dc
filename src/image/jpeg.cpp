// JPEG through libjpeg(-turbo). Like libpng it reports errors with longjmp, so every call that can fail runs inside
// succeeds(), whose body holds no object with a destructor.
#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <string_view>

#include "core/fail.h"
#include "image/codec.h"

namespace safelight {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr std::string_view kExifHead{"Exif\0\0", 6};
constexpr std::size_t kMaxMarker = 65533;  // its length is a 16-bit number that counts itself
constexpr int kMaxScans = 200;             // of a progressive picture; each costs a pass over all pixels. Usual are 10
constexpr int kSharpColours = 90;          // from this quality on, colours have as many samples as brightness

struct Failure {
  jpeg_error_mgr manager{};  // first: libjpeg knows its address alone
  std::jmp_buf escape{};
  std::array<char, JMSG_LENGTH_MAX> message{};
};

[[noreturn]] void on_error(j_common_ptr jpeg) {
  auto* failure = reinterpret_cast<Failure*>(jpeg->err);
  jpeg->err->format_message(jpeg, failure->message.data());
  std::longjmp(failure->escape, 1);
}

// A level below 0 is a warning: libjpeg goes on with pixels it has made up. Only what costs no pixel is let pass.
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  const int code = jpeg->err->msg_code;
  const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
                        code == JWRN_BOGUS_ICC || code == JWRN_TOO_MUCH_DATA;
  if (!harmless) on_error(jpeg);
}

void prepare(Failure& failure) {
  jpeg_std_error(&failure.manager);
  failure.manager.error_exit = on_error;
  failure.manager.emit_message = on_message;
}

// Runs `body`; false if libjpeg gave up in it. REQUIRES: no object with a destructor lives in `body` at a libjpeg call.
template <class Body>
bool succeeds(Failure& failure, Body&& body) {
  if (setjmp(failure.escape) != 0) return false;
  body();
  return true;
}

// --- reading --------------------------------------------------------------------------------------------------------

void on_progress(j_common_ptr jpeg) {
  const auto* reader = reinterpret_cast<j_decompress_ptr>(jpeg);
  if (reader->input_scan_number > kMaxScans) ERREXIT(jpeg, JERR_BAD_PROGRESSION);
}

struct Reader {
  Failure failure;
  jpeg_progress_mgr progress{};
  jpeg_decompress_struct jpeg{};

  Reader() {
    prepare(failure);
    jpeg.err = &failure.manager;
    progress.progress_monitor = on_progress;
  }
  ~Reader() { jpeg_destroy_decompress(&jpeg); }  // also where it was never created: all zeros are
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

// Inks on white paper. Adobe's programs, and all that follow them, store what is not inked.
void inks_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::int64_t pixels, bool inverted) {
  const int flip = inverted ? 0 : 255;
  for (std::int64_t i = 0; i < pixels; ++i) {
    const int paper = cmyk[i * 4 + 3] ^ flip;
    for (std::int64_t c = 0; c < 3; ++c)
      rgb[i * 3 + c] = static_cast<std::uint8_t>(((cmyk[i * 4 + c] ^ flip) * paper + 127) / 255);
  }
}

Exif collect_exif(const Reader& reader) {
  for (jpeg_saved_marker_ptr marker = reader.jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const std::span data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
    const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
    if (text.starts_with(kExifHead)) return read_exif(data);
  }
  return {};
}

// --- writing --------------------------------------------------------------------------------------------------------

struct Writer {
  Failure failure;
  jpeg_compress_struct jpeg{};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;

  Writer() {
    prepare(failure);
    jpeg.err = &failure.manager;
  }
  ~Writer() {
    jpeg_destroy_compress(&jpeg);
    std::free(bytes);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

std::vector<std::uint8_t> exif_marker(const PictureText& text) {
  const std::vector<std::byte> exif = exif_for(PictureFormat::jpeg, text);
  if (exif.empty()) return {};
  std::vector<std::uint8_t> marker(kExifHead.begin(), kExifHead.end());
  for (const std::byte b : exif) marker.push_back(std::to_integer<std::uint8_t>(b));
  if (marker.size() > kMaxMarker)
    fail(ErrorCategory::limit, "[jpeg] the text takes {} bytes, more than the {} that fit into a JPEG file",
         marker.size(), kMaxMarker);
  return marker;
}

}  // namespace

PictureFile decode_jpeg(const EncodedPicture& file) {
  Reader reader;
  jpeg_decompress_struct& jpeg = reader.jpeg;
  const auto read = [&](auto&& body) {
    if (!succeeds(reader.failure, body)) fail_damaged(file, PictureFormat::jpeg, reader.failure.message.data());
  };
  read([&] {
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &reader.progress;
    jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(file.bytes.data()), file.bytes.size());
    jpeg_save_markers(&jpeg, kExifMarker, 0xFFFF);
    jpeg_read_header(&jpeg, TRUE);
  });
  const std::int64_t width = jpeg.image_width, height = jpeg.image_height;
  check_size(file, PictureFormat::jpeg, width, height);
  Exif exif = collect_exif(reader);  // its bytes go when the picture has been read

  const bool inks = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  jpeg.out_color_space = inks ? JCS_CMYK : JCS_RGB;
  PictureFile result{.picture = Picture(width, height), .format = PictureFormat::jpeg};
  std::vector<std::uint8_t> row(inks ? static_cast<std::size_t>(width * 4) : 0);
  read([&] {
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
      std::uint8_t* const out = result.picture.at(0, jpeg.output_scanline);
      JSAMPROW into = inks ? row.data() : out;
      jpeg_read_scanlines(&jpeg, &into, 1);
      if (inks) inks_to_rgb(row.data(), out, width, jpeg.saw_Adobe_marker != 0);
    }
    jpeg_finish_decompress(&jpeg);
  });
  apply_exif(result, std::move(exif));
  return result;
}

std::vector<std::byte> encode_jpeg(const Picture& picture, const PictureText& text, const PictureOptions& options) {
  const std::vector<std::uint8_t> marker = exif_marker(text);
  Writer writer;
  jpeg_compress_struct& jpeg = writer.jpeg;
  const bool written = succeeds(writer.failure, [&] {
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &writer.bytes, &writer.size);
    jpeg.image_width = static_cast<JDIMENSION>(picture.width);
    jpeg.image_height = static_cast<JDIMENSION>(picture.height);
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, options.quality, TRUE);
    if (options.quality >= kSharpColours) jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
    jpeg.optimize_coding = TRUE;
    jpeg_start_compress(&jpeg, TRUE);
    if (!marker.empty()) jpeg_write_marker(&jpeg, kExifMarker, marker.data(), static_cast<unsigned>(marker.size()));
    while (jpeg.next_scanline < jpeg.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(picture.at(0, jpeg.next_scanline));
      jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
  });
  if (!written)
    fail(ErrorCategory::limit, "[jpeg] cannot encode {} x {} pixels: {}", picture.width, picture.height,
         writer.failure.message.data());
  const auto* begin = reinterpret_cast<const std::byte*>(writer.bytes);
  return {begin, begin + writer.size};
}

}  // namespace safelight

// WebP through libwebp; its container (animations, EXIF data) through libwebpdemux and libwebpmux.
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <memory>

#include "core/fail.h"
#include "image/codec.h"

namespace safelight {
namespace {

// --- reading --------------------------------------------------------------------------------------------------------

WebPData borrowed(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::string_view words(VP8StatusCode status) noexcept {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return "the file ends too early";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it uses something that libwebp does not know";
    default:
      return "its bitstream makes no sense";
  }
}

// The whole canvas, as it is when the first picture of the animation shows.
PictureFile first_of_animation(const EncodedPicture& file, std::int64_t width, std::int64_t height) {
  WebPAnimDecoderOptions options;
  WebPAnimDecoderOptionsInit(&options);
  const WebPData data = borrowed(file.bytes);
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(WebPAnimDecoderNew(&data, &options),
                                                                                   WebPAnimDecoderDelete);
  std::uint8_t* rgba = nullptr;  // the decoder's
  int time = 0;
  if (!decoder || WebPAnimDecoderGetNext(decoder.get(), &rgba, &time) == 0)
    fail_damaged(file, PictureFormat::webp, "its first picture cannot be decoded");
  return from_rgba(width, height, {rgba, static_cast<std::size_t>(width * height * 4)});
}

PictureFile still(const EncodedPicture& file, const WebPBitstreamFeatures& features) {
  WebPDecoderConfig config;
  WebPInitDecoderConfig(&config);
  const std::int64_t width = features.width, height = features.height;
  const bool has_alpha = features.has_alpha != 0;
  const std::int64_t channels = has_alpha ? 4 : 3;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height * channels));
  config.output.colorspace = has_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {pixels.data(), static_cast<int>(width * channels), pixels.size()};
  const VP8StatusCode status =
      WebPDecode(reinterpret_cast<const std::uint8_t*>(file.bytes.data()), file.bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw std::bad_alloc();
  if (status != VP8_STATUS_OK) fail_damaged(file, PictureFormat::webp, words(status));
  if (has_alpha) return from_rgba(width, height, pixels);
  PictureFile result;
  result.picture.width = width;
  result.picture.height = height;
  result.picture.rgb = std::move(pixels);
  return result;
}

Exif collect_exif(const EncodedPicture& file) {
  const WebPData data = borrowed(file.bytes);
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> container(WebPDemux(&data), WebPDemuxDelete);
  WebPChunkIterator chunk{};
  Exif exif;
  if (container && WebPDemuxGetChunk(container.get(), "EXIF", 1, &chunk) != 0)
    exif = read_exif({reinterpret_cast<const std::byte*>(chunk.chunk.bytes), chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return exif;
}

// --- writing --------------------------------------------------------------------------------------------------------

struct Writer {
  WebPPicture picture{};
  WebPMemoryWriter memory{};

  Writer() {
    WebPPictureInit(&picture);
    WebPMemoryWriterInit(&memory);
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &memory;
  }
  ~Writer() {
    WebPPictureFree(&picture);
    WebPMemoryWriterClear(&memory);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

// The same file with EXIF data. Only memory can be missing for that.
std::vector<std::byte> with_exif(const WebPData& bitstream, std::span<const std::byte> exif) {
  const std::unique_ptr<WebPMux, decltype(&WebPMuxDelete)> mux(WebPMuxNew(), WebPMuxDelete);
  const WebPData chunk = borrowed(exif);
  WebPData assembled{};
  const bool done = mux && WebPMuxSetImage(mux.get(), &bitstream, 0) == WEBP_MUX_OK &&
                    WebPMuxSetChunk(mux.get(), "EXIF", &chunk, 0) == WEBP_MUX_OK &&
                    WebPMuxAssemble(mux.get(), &assembled) == WEBP_MUX_OK;
  const std::unique_ptr<WebPData, decltype(&WebPDataClear)> owner(&assembled, WebPDataClear);
  if (!done) throw std::bad_alloc();
  const auto* begin = reinterpret_cast<const std::byte*>(assembled.bytes);
  return {begin, begin + assembled.size};
}

}  // namespace

PictureFile decode_webp(const EncodedPicture& file) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status =
      WebPGetFeatures(reinterpret_cast<const std::uint8_t*>(file.bytes.data()), file.bytes.size(), &features);
  if (status != VP8_STATUS_OK) fail_damaged(file, PictureFormat::webp, words(status));
  check_size(file, PictureFormat::webp, features.width, features.height);
  PictureFile result =
      features.has_animation ? first_of_animation(file, features.width, features.height) : still(file, features);
  result.format = PictureFormat::webp;
  apply_exif(result, collect_exif(file));
  return result;
}

std::vector<std::byte> encode_webp(const Picture& picture, const PictureText& text, const PictureOptions& options) {
  const std::vector<std::byte> exif = exif_for(PictureFormat::webp, text);
  if (picture.width > WEBP_MAX_DIMENSION || picture.height > WEBP_MAX_DIMENSION)
    fail(ErrorCategory::limit, "[webp] cannot encode {} x {} pixels: at most {} fit on a side", picture.width,
         picture.height, WEBP_MAX_DIMENSION);
  WebPConfig config;
  WebPConfigInit(&config);
  config.quality = static_cast<float>(options.quality);
  config.lossless = options.lossless ? 1 : 0;

  Writer writer;
  writer.picture.use_argb = config.lossless;
  writer.picture.width = static_cast<int>(picture.width);
  writer.picture.height = static_cast<int>(picture.height);
  if (WebPPictureImportRGB(&writer.picture, picture.rgb.data(), static_cast<int>(picture.width * 3)) == 0 ||
      WebPEncode(&config, &writer.picture) == 0) {
    if (writer.picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
    fail(ErrorCategory::limit, "[webp] cannot encode {} x {} pixels: libwebp's error {}", picture.width, picture.height,
         static_cast<int>(writer.picture.error_code));
  }
  const WebPData bitstream{writer.memory.mem, writer.memory.size};
  if (!exif.empty()) return with_exif(bitstream, exif);
  const auto* begin = reinterpret_cast<const std::byte*>(bitstream.bytes);
  return {begin, begin + bitstream.size};
}

}  // namespace safelight

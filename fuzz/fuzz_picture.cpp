// Any bytes are either refused with an Error or give a picture of the size it says; what it says about itself can be
// read. The same bytes are taken for EXIF data and for a graph.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "image/codec.h"
#include "image/comfy_graph.h"
#include "safelight/error.h"

namespace {

using namespace safelight;

constexpr std::int64_t kMostPixels = 1'000'000;  // of larger ones it would decode few in its time

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const PictureFile file = decode_picture(EncodedPicture{bytes, "picture", kMostPixels});
    const auto pixels = static_cast<std::size_t>(file.picture.width * file.picture.height);
    require(file.picture.rgb.size() == pixels * 3);
    require(file.alpha.empty() || file.alpha.size() == pixels);
    require(file.orientation >= 1 && file.orientation <= 8);
  } catch (const Error& e) {
    require(std::strchr(e.what(), '\n') == nullptr);
  }
  require(read_exif(bytes).text.size() <= 3);
  parse_comfy_graph({reinterpret_cast<const char*>(data), size});
  return 0;
}

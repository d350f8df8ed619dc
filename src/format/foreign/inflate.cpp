#include "format/foreign/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "core/fail.h"

namespace safelight::foreign {
namespace {

// zlib counts in unsigned int.
uInt piece(std::size_t bytes) {
  return static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
}

struct Inflater {
  z_stream stream{};
  Inflater() {
    if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();  // negative: no zlib header
  }
  ~Inflater() { ::inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

std::shared_ptr<const std::byte> inflate(std::span<const std::byte> compressed, std::size_t size) {
  std::shared_ptr<std::byte[]> result(new std::byte[std::max<std::size_t>(size, 1)]);
  Inflater inflater;
  z_stream& stream = inflater.stream;
  std::size_t read = 0, written = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    const uInt in = piece(compressed.size() - read), out = piece(size - written);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data() + read));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(result.get() + written);
    stream.avail_out = out;
    status = ::inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    written += out - stream.avail_out;
  }
  if (status != Z_STREAM_END || written != size || read != compressed.size())
    fail(ErrorCategory::format, "[zip] expected {} compressed bytes to give {}, but {} of them gave {}{}{}",
         compressed.size(), size, read, written, stream.msg ? ": " : "", stream.msg ? stream.msg : "");
  return {result, result.get()};
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t so_far) noexcept {
  return static_cast<std::uint32_t>(
      ::crc32_z(so_far, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<z_size_t>(bytes.size())));
}

}  // namespace safelight::foreign

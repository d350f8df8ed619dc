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

struct Inflated {
  std::shared_ptr<const std::byte> bytes;  // `size` of them
  std::size_t read = 0, written = 0;
  bool ended = false;       // the compressed data said so
  std::string complaint{};  // zlib's, if any
};

// Goes on until `size` bytes are there, the data end, or they are found to be damaged.
Inflated run_inflater(std::span<const std::byte> compressed, std::size_t size) {
  std::shared_ptr<std::byte[]> bytes(new std::byte[std::max<std::size_t>(size, 1)]);
  Inflater inflater;
  z_stream& stream = inflater.stream;
  Inflated result{.bytes = {bytes, bytes.get()}};
  int status = Z_OK;
  while (status == Z_OK) {
    const uInt in = piece(compressed.size() - result.read), out = piece(size - result.written);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data() + result.read));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(bytes.get() + result.written);
    stream.avail_out = out;
    status = ::inflate(&stream, Z_NO_FLUSH);
    result.read += in - stream.avail_in;
    result.written += out - stream.avail_out;
  }
  result.ended = status == Z_STREAM_END;
  if (stream.msg) result.complaint = stream.msg;
  return result;
}

}  // namespace

std::shared_ptr<const std::byte> inflate(std::span<const std::byte> compressed, std::size_t size) {
  const Inflated result = run_inflater(compressed, size);
  if (!result.ended || result.written != size || result.read != compressed.size())
    fail(ErrorCategory::format, "[zip] expected {} compressed bytes to give {}, but {} of them gave {}{}{}",
         compressed.size(), size, result.read, result.written, result.complaint.empty() ? "" : ": ", result.complaint);
  return result.bytes;
}

std::shared_ptr<const std::byte> inflate_first(std::span<const std::byte> compressed, std::size_t size) {
  const Inflated result = run_inflater(compressed, size);
  if (result.written != size)
    fail(ErrorCategory::format, "[zip] expected the first {} bytes of a compressed entry, but it gave {}{}{}", size,
         result.written, result.complaint.empty() ? "" : ": ", result.complaint);
  return result.bytes;
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t so_far) noexcept {
  return static_cast<std::uint32_t>(
      ::crc32_z(so_far, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<z_size_t>(bytes.size())));
}

}  // namespace safelight::foreign

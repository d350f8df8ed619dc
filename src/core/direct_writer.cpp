#include "core/direct_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/file_operations.h"

namespace safelight {
namespace {

constexpr std::size_t kBlock = 4096;                  // a multiple of every disk's sector
constexpr std::size_t kPiece = std::size_t{4} << 20;  // one write; larger ones are no faster

}  // namespace

void DirectWriter::open(int folder, const char* name) {
  file_ = FileDescriptor(::openat(folder, name, O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW));
}

DirectWriter::Result DirectWriter::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!file_ || bytes.size() < kWorthwhile) return {};
  const std::size_t head = static_cast<std::size_t>((kBlock - offset % kBlock) % kBlock);
  const std::size_t whole = (bytes.size() - head) / kBlock * kBlock;
  const std::span<const std::byte> blocks = bytes.subspan(head, whole);
  const std::shared_ptr<std::byte> buffer = buffers_.take(kPiece);
  std::size_t done = 0;
  while (done < whole) {
    const std::size_t piece = std::min(kPiece, whole - done);
    std::memcpy(buffer.get(), blocks.data() + done, piece);
    const ssize_t written = retry_interrupted(
        [&] { return ::pwrite(file_.get(), buffer.get(), piece, static_cast<off_t>(offset + head + done)); });
    if (written < 0 && !is_unsupported(errno)) return {blocks.first(done), errno};
    // A piece cut inside a block is written again; where nothing more gets through, the page cache takes the rest.
    const std::size_t advance = written < 0 ? 0 : static_cast<std::size_t>(written) / kBlock * kBlock;
    if (advance == 0) break;
    done += advance;
  }
  return {blocks.first(done), 0};
}

}  // namespace safelight

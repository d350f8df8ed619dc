#include "core/copy_range.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/fail.h"
#include "core/file_operations.h"

namespace safelight {
namespace {

constexpr std::uint64_t kKernelPiece = std::uint64_t{64} << 20;  // between two calls of `copied`
constexpr std::uint64_t kPlainPiece = std::uint64_t{4} << 20;

struct Range {
  int from;
  std::uint64_t begin, end;
  AtomicFile& to;
  std::uint64_t to_offset;
};

[[noreturn]] void fail_to_copy() {
  fail(ErrorCategory::io, "[copy] cannot copy the tensors: {}", std::strerror(errno));
}

void copy_plainly(const Range& range, const std::function<void(std::uint64_t)>& copied) {
  const std::uint64_t total = range.end - range.begin;
  std::vector<std::byte> buffer(std::min(total, kPlainPiece));
  for (std::uint64_t done = 0; done < total;) {
    const std::span<std::byte> piece(buffer.data(), std::min(kPlainPiece, total - done));
    if (!read_all(range.from, range.begin + done, piece)) fail_to_copy();
    range.to.write_at(range.to_offset + done, piece);
    done += piece.size();
    copied(done);
  }
}

// Whole blocks up to the end of the file are shared, the bytes before them copied.
bool share_extents(const Range& range, const std::function<void(std::uint64_t)>& copied) {
  const std::uint64_t first = (range.begin + kSharedBlock - 1) / kSharedBlock * kSharedBlock;
  if (range.begin % kSharedBlock != range.to_offset % kSharedBlock || first >= range.end) return false;
  const file_clone_range whole = {.src_fd = range.from,
                                  .src_offset = first,
                                  .src_length = 0,  // to the end
                                  .dest_offset = range.to_offset + (first - range.begin)};
  if (::ioctl(range.to.descriptor(), FICLONERANGE, &whole) != 0) return false;
  copy_plainly({range.from, range.begin, first, range.to, range.to_offset}, [](std::uint64_t) {});
  copied(range.end - range.begin);
  return true;
}

// False if the file systems cannot: then nothing has been copied.
bool copy_in_kernel(const Range& range, const std::function<void(std::uint64_t)>& copied) {
  auto in = static_cast<off_t>(range.begin), out = static_cast<off_t>(range.to_offset);
  const auto end = static_cast<off_t>(range.end);
  while (in < end) {
    const std::size_t piece = std::min(static_cast<std::uint64_t>(end - in), kKernelPiece);
    const ssize_t count =
        retry_interrupted([&] { return ::copy_file_range(range.from, &in, range.to.descriptor(), &out, piece, 0); });
    // 0 also comes from file systems that only pretend to have it.
    const bool at_start = static_cast<std::uint64_t>(in) == range.begin;
    if (count <= 0 && at_start && (count == 0 || is_unsupported(errno))) return false;
    if (count == 0) errno = EIO;
    if (count <= 0) fail_to_copy();
    copied(static_cast<std::uint64_t>(in) - range.begin);
  }
  return true;
}

}  // namespace

CopyWay copy_range(int from, std::uint64_t begin, std::uint64_t end, AtomicFile& to, std::uint64_t to_offset,
                   const std::function<void(std::uint64_t)>& copied) {
  const Range range{from, begin, end, to, to_offset};
  if (share_extents(range, copied)) return CopyWay::shared_extents;
  to.reserve(to_offset + (end - begin));
  if (copy_in_kernel(range, copied)) return CopyWay::kernel;
  copy_plainly(range, copied);
  return CopyWay::plain;
}

}  // namespace safelight

#include "core/read_fully.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "core/fail.h"
#include "core/printable.h"

namespace safelight {
namespace {

std::uint64_t sum(std::span<const iovec> parts) {
  std::uint64_t bytes = 0;
  for (const iovec& part : parts) bytes += part.iov_len;
  return bytes;
}

// Takes `bytes` off the front of the parts.
void drop_front(std::span<iovec>& parts, std::size_t bytes) {
  while (!parts.empty() && bytes >= parts.front().iov_len) {
    bytes -= parts.front().iov_len;
    parts = parts.subspan(1);
  }
  if (bytes == 0) return;
  parts.front().iov_base = static_cast<std::byte*>(parts.front().iov_base) + bytes;
  parts.front().iov_len -= bytes;
}

}  // namespace

void fail_ended(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t missing) {
  fail(ErrorCategory::io, "[read] {} ends at or before offset {}, expected {} more bytes: it was shortened meanwhile",
       printable(path.native()), offset, missing);
}

void fail_read(const std::filesystem::path& path, std::uint64_t offset, int error) {
  fail(ErrorCategory::io, "[read] cannot read {} at offset {}: {}", printable(path.native()), offset,
       std::strerror(error));
}

void read_fully(int fd, const std::filesystem::path& path, std::uint64_t offset, std::span<std::byte> to) {
  iovec part{to.data(), to.size()};
  read_fully(fd, path, offset, {&part, 1});
}

void read_fully(int fd, const std::filesystem::path& path, std::uint64_t offset, std::span<iovec> parts) {
  drop_front(parts, 0);
  while (!parts.empty()) {
    const ssize_t n = ::preadv(fd, parts.data(), static_cast<int>(std::min<std::size_t>(parts.size(), IOV_MAX)),
                               static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_read(path, offset, errno);
    if (n == 0) fail_ended(path, offset, sum(parts));
    offset += static_cast<std::uint64_t>(n);
    drop_front(parts, static_cast<std::size_t>(n));
  }
}

}  // namespace safelight

#include "core/file_operations.h"

#include <unistd.h>

#include <algorithm>

namespace safelight {
namespace {

// Linux transfers at most 2^31 - 4096 bytes per call.
constexpr std::size_t kLargestTransfer = std::size_t{1} << 30;

}  // namespace

bool is_unsupported(int error) noexcept {
  return error == EPERM || error == ENOSYS || error == EINVAL || error == EXDEV || error == EOPNOTSUPP;
}

bool write_all(int fd, std::uint64_t offset, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = retry_interrupted([&] {
      return ::pwrite(fd, bytes.data(), std::min(bytes.size(), kLargestTransfer), static_cast<off_t>(offset));
    });
    if (written == 0) errno = EIO;  // would go on for ever
    if (written <= 0) return false;
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

bool read_all(int fd, std::uint64_t offset, std::span<std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = retry_interrupted([&] {
      return ::pread(fd, bytes.data(), std::min(bytes.size(), kLargestTransfer), static_cast<off_t>(offset));
    });
    if (count == 0) errno = EIO;
    if (count <= 0) return false;
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace safelight

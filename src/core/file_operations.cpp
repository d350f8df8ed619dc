#include "core/file_operations.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <random>

namespace safelight {

bool is_unsupported(int error) noexcept {
  return error == EPERM || error == ENOSYS || error == EINVAL || error == EXDEV || error == EOPNOTSUPP;
}

std::string hidden_name(const char* suffix) {
  std::random_device random;
  return fmt::format(".safelight-{:08x}{:08x}.{}", random(), random(), suffix);
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

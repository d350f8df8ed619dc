// Small things that every careful use of the system's file calls needs.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace safelight {

// Linux transfers at most 2^31 - 4096 bytes per call.
constexpr std::size_t kLargestTransfer = std::size_t{1} << 30;

// Calls again while a signal interrupts the call.
template <class Call>
auto retry_interrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// Whether this errno says that the file system has no such operation (object-store mounts, FUSE, old network file
// systems), rather than that the operation failed.
bool is_unsupported(int error) noexcept;

// ".safelight-0123456789abcdef.SUFFIX", a name that nobody has: for what is under way.
std::string hidden_name(const char* suffix);

// Writes all bytes at `offset`, however many calls that takes. False, with errno, on failure.
bool write_all(int fd, std::uint64_t offset, std::span<const std::byte> bytes) noexcept;

// Fills `bytes` from `offset`. False, with errno, on failure; a file that ends before is EIO.
bool read_all(int fd, std::uint64_t offset, std::span<std::byte> bytes) noexcept;

}  // namespace safelight

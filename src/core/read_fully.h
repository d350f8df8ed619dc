// Reading a range of a file, all of it or an error.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace safelight {

// Fills `to`, or the parts one after the other (which it uses up), with the bytes from `offset` on. Goes on after short
// reads and interruptions. Throws Error(io) that names file and offset: the file ends before, or the system's reason.
void read_fully(int fd, const std::filesystem::path& path, std::uint64_t offset, std::span<std::byte> to);
void read_fully(int fd, const std::filesystem::path& path, std::uint64_t offset, std::span<iovec> parts);

// The errors of these, for other ways to read.
[[noreturn]] void fail_ended(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t missing);
[[noreturn]] void fail_read(const std::filesystem::path& path, std::uint64_t offset, int error);

}  // namespace safelight

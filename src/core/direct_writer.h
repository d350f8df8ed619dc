// Writing past the page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/buffer_pool.h"
#include "core/file_descriptor.h"

namespace safelight {

// Writes whole blocks straight to the disk, from aligned copies of 4 MiB. A large file that is to be flushed anyway
// gets there several times faster than through the page cache, several threads can write at once (a buffered write
// locks the file), and it does not push everything else out of memory. Safe to use from several threads.
class DirectWriter {
 public:
  // Smaller pieces are not written: a system call to the disk costs more than it saves.
  static constexpr std::size_t kWorthwhile = std::size_t{1} << 20;

  // Does nothing until opened.
  DirectWriter() = default;

  // Opens the file for direct writing; where the file system cannot, does nothing.
  void open(int folder, const char* name);

  struct Result {
    std::span<const std::byte> written;  // this part of `bytes` is on its way; possibly empty
    int error = 0;                       // errno of a failure, or 0
  };
  // Writes what is whole blocks inside [offset, offset + bytes.size()). The rest is the caller's, through the page
  // cache: its blocks are others than these. Pieces smaller than kWorthwhile are left to the caller whole.
  Result write(std::uint64_t offset, std::span<const std::byte> bytes);

 private:
  FileDescriptor file_;
  BufferPool buffers_;
};

}  // namespace safelight

// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "core/file_descriptor.h"

namespace safelight {

// The bytes of a regular file, as long as it was when opened. Shared, because views of its bytes outlive the reader.
// Touching bytes that the file has lost since (another process shortened it, the disk failed) raises SIGBUS, for which
// see core/mapping_guard.h; a file that is replaced (renamed over, as every careful writer does) is not affected.
// The file stays open as well, so that it can be read without the mapping and is never looked up by name again.
class MappedFile {
 public:
  // Throws Error(io) with the system's reason, or saying that it is a folder, a pipe, a device. Never blocks on a pipe.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  int descriptor() const noexcept { return fd_.get(); }

 private:
  MappedFile(FileDescriptor fd, const std::byte* data, std::size_t size) noexcept
      : fd_(std::move(fd)), data_(data), size_(size) {}

  FileDescriptor fd_;
  const std::byte* data_;  // null if the file is empty: a mapping cannot be
  std::size_t size_;
};

}  // namespace safelight

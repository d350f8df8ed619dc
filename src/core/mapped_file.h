// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "core/file_descriptor.h"
#include "core/mapping_guard.h"

namespace safelight {

// The bytes of a regular file, as long as it was when opened. Shared, because views of its bytes outlive the reader.
// Touching bytes that the file has lost since (another process shortened it, the disk failed) raises SIGBUS, for which
// see core/mapping_guard.h; a file that is replaced (renamed over, as every careful writer does) is not affected.
// The file stays open as well, so that it can be read without the mapping and is never looked up by name again.
class MappedFile {
 public:
  // Throws Error(io) with the system's reason, or saying that it is a folder, a pipe, a device. Never blocks on a pipe.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {mapping_.get(), mapping_.get_deleter().size}; }
  int descriptor() const noexcept { return fd_.get(); }

  // Takes the whole pages within these bytes out of this process's memory. They come back, from the system's cache or
  // from the disk, when they are touched. REQUIRES: offset + bytes is within the file.
  void release(std::uint64_t offset, std::uint64_t bytes) const noexcept;

  const WatchedMapping& watch() const noexcept { return watch_; }

 private:
  struct Unmap {
    std::size_t size = 0;
    void operator()(const std::byte* data) const noexcept;
  };
  using Mapping = std::unique_ptr<const std::byte, Unmap>;

  MappedFile(const std::filesystem::path& path, FileDescriptor fd, Mapping mapping)
      : fd_(std::move(fd)), mapping_(std::move(mapping)), watch_(path, fd_.get(), bytes()) {}

  FileDescriptor fd_;
  Mapping mapping_;       // null if the file is empty: a mapping cannot be
  WatchedMapping watch_;  // ends before the mapping: its addresses may be another's at once
};

}  // namespace safelight

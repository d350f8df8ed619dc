// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace safelight {

// The bytes of a regular file, as long as it was when opened. Shared, because views of its bytes outlive the reader.
// A file that another process shortens meanwhile is out of the mapping's power; one that is replaced (renamed over, as
// every careful writer does) is not affected.
class MappedFile {
 public:
  // Throws Error(io) with the system's reason, or saying that it is a folder, a pipe, a device. Never blocks on a pipe.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}

  const std::byte* data_;  // null if the file is empty: a mapping cannot be
  std::size_t size_;
};

}  // namespace safelight

// Reading zip archives, as PyTorch checkpoints and .npz files are.
//
//   local header, name, extra, data [, data descriptor]     for each entry
//   central directory: one header per entry
//   [zip64 end record, zip64 locator]
//   end record
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace safelight::foreign {

// What an archive may claim. The defaults leave room for the largest checkpoints that exist.
struct ZipLimits {
  std::uint64_t entries = 4'000'000;
  std::uint64_t name_bytes = 4096;
  // A compressed entry above `free_bytes` may not grow more than `ratio`-fold: arrays of zeros do, but small ones.
  std::uint64_t free_bytes = std::uint64_t{256} << 20, ratio = 100;
  std::uint64_t inflated_bytes = std::uint64_t{64} << 30;  // of all compressed entries together
};

struct ZipEntry {
  std::string_view name;  // points into the file; any bytes but NUL
  bool compressed = false;
  std::uint32_t crc = 0;
  std::uint64_t size = 0;               // uncompressed
  std::uint64_t begin = 0;              // of its data in the file
  std::span<const std::byte> stored{};  // its data as they are in the file
};

// Every entry lies inside the file, apart from every other, and its two headers agree: what one reader sees, all see.
class ZipArchive {
 public:
  // Checks the whole structure, reads no data. Throws Error(format) or Error(limit). `file` must outlive the archive
  // unless `owner` keeps it alive.
  static ZipArchive open(std::span<const std::byte> file, std::shared_ptr<const void> owner = {},
                         const ZipLimits& limits = {});

  // In the order of the central directory.
  std::span<const ZipEntry> entries() const noexcept { return entries_; }

  // The entry with this name, or nullptr.
  const ZipEntry* find(std::string_view name) const noexcept;

  // Its bytes: of a stored entry borrowed from the file, of a compressed one in new memory and compared with its
  // checksum. Safe to call from several threads. Throws Error(format).
  struct Bytes {
    std::span<const std::byte> span;
    std::shared_ptr<const void> owner;  // keeps `span` alive, as far as open()'s owner does
  };
  Bytes read(const ZipEntry& entry) const;

  // The same, with the checksum of a stored entry compared, too, unless it is zero: writers that make none leave zero.
  Bytes read_checked(const ZipEntry& entry) const;

  // Its first bytes, `count` or all: of a compressed one, without a checksum. Throws Error(format).
  Bytes read_first(const ZipEntry& entry, std::size_t count) const;

 private:
  std::shared_ptr<const void> owner_;
  std::vector<ZipEntry> entries_;
  std::vector<std::uint32_t> by_name_;
};

bool looks_like_zip(std::span<const std::byte> file) noexcept;

}  // namespace safelight::foreign

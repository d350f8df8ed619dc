// Compressed bytes of zip archives, and their checksums. Wraps zlib.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace safelight::foreign {

// Deflate cannot shrink bytes more than this: a claim beyond it is a lie, and nothing is allocated for it.
inline constexpr std::uint64_t kLargestDeflateRatio = 1032;

// `compressed` (raw deflate), which must give exactly `size` bytes. Throws Error(format) if it does not or if it is
// damaged. REQUIRES: size <= kLargestDeflateRatio * compressed.size(), and the caller's own limit.
std::shared_ptr<const std::byte> inflate(std::span<const std::byte> compressed, std::size_t size);

// Only the first `size` bytes that it gives. Throws Error(format) if it gives fewer.
std::shared_ptr<const std::byte> inflate_first(std::span<const std::byte> compressed, std::size_t size);

// The checksum of zip archives; `so_far` continues one.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t so_far = 0) noexcept;

}  // namespace safelight::foreign

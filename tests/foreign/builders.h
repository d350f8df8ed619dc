// Small files made by hand, sound ones and hostile ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/convert.h"

namespace safelight::test {

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// Little-endian bytes of a number.
template <class T>
std::string le(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

// Opcodes of a pickle with their arguments.
std::string text(std::string_view value);                            // BINUNICODE
std::string global(std::string_view module, std::string_view name);  // GLOBAL
inline const std::string kProtocol2("\x80\x02", 2);

// One entry of a zip archive. What is not what `data` gives can be set to lie.
struct ZipItem {
  std::string name, data;
  std::uint16_t method = 0;  // 8: `data` are compressed already
  std::uint64_t size = 0;    // uncompressed, if method is 8
  std::uint16_t flags = 0;
  std::string local_name{};     // if it should differ
  std::uint32_t local_crc = 0;  // added to the right one
};

struct ZipLies {
  std::string before{}, after{};  // bytes around the archive
  std::uint32_t offset = 0;       // added to the place of the last entry
  std::uint16_t entries = 0;      // added to their number
};

std::string zip(const std::vector<ZipItem>& items, const ZipLies& lies = {});

// A file of tests/data/foreign.
std::filesystem::path golden(std::string_view name);

// Every tensor that should be there is, with the same type, shape and bytes, and there is no other.
void expect_same_tensors(const ImportedFile& file, const std::filesystem::path& expected);

}  // namespace safelight::test

// GGUF files, versions 2 and 3, little-endian.
//
//   "GGUF", version (u32), number of tensors (u64), number of metadata (u64)
//   metadata:  key, type (u32), value                                       a text is its length (u64) and its bytes
//   tensors:   name, rank (u32), sizes (u64 each, innermost first), type (u32), offset (u64)
//   padding to the alignment, then the tensors' bytes, each at its offset, a multiple of the alignment
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/foreign/ggml_blocks.h"
#include "safelight/safetensors.h"

namespace safelight::foreign {

inline constexpr std::uint32_t kGgufVersion = 3, kGgufAlignment = 32;  // what we write
inline constexpr std::size_t kHighestGgufRank = 4;                     // of the format
inline constexpr std::uint64_t kLongestGgufName = 65535;               // of a tensor or a key, in bytes

struct GgufTensor {
  std::string_view name;  // UTF-8
  Shape shape{};          // outermost first, as everywhere here
  const GgmlType* type = nullptr;
  std::span<const std::byte> bytes{};  // in the file
};

struct GgufFile {
  std::uint32_t version = 0;
  Metadata metadata{};                  // texts and numbers, by the convention of docs/convert.md
  std::vector<std::string> not_kept{};  // keys of the lists, and of texts that are not UTF-8
  std::vector<GgufTensor> tensors{};
};

// Throws Error(format), Error(limit). The result refers to the bytes of `file`.
GgufFile parse_gguf(std::span<const std::byte> file);

bool looks_like_gguf(std::span<const std::byte> file) noexcept;

// The metadata section's entries as bytes, and how many there are: the inverse of what parse_gguf() does, with texts
// for all keys that the convention does not mark. Throws Error(usage) for a marked key whose value is not of its type,
// for keys that are the same without their marks, and for keys that are too long.
struct GgufMetadataBytes {
  std::string bytes;
  std::uint64_t count = 0;
};
GgufMetadataBytes gguf_metadata(const Metadata& metadata);

// Appends a number as little-endian bytes, and a text with its length.
template <class T>
void append_number(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
inline void append_text(std::string& out, std::string_view text) {
  append_number<std::uint64_t>(out, text.size());
  out += text;
}

}  // namespace safelight::foreign

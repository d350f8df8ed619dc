// Putting other metadata into a header without touching what else it says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "safelight/safetensors.h"

namespace safelight {

class MetadataSplice {
 public:
  // `header`: the bytes [8, 8+N), borrowed. REQUIRES: it is valid in strict mode.
  explicit MetadataSplice(std::string_view header);

  // Sets what the header is to say. Throws Error(usage) for text that is not UTF-8.
  void set(const Metadata& metadata);

  // The shortest header with the new metadata.
  std::size_t needed() const noexcept;

  // The header with the new metadata, `length` bytes long. Spaces go after the metadata where that moves nothing else,
  // so that the next edit, too, changes few bytes. REQUIRES: length >= needed().
  std::string text(std::size_t length) const;

 private:
  std::string_view header_;
  // The old entry with the white space after it; empty, after the opening brace, if there is none.
  std::size_t begin_ = 1, end_ = 1;
  std::size_t closed_ = 0;  // after the header's last brace
  std::string member_;      // the new entry
  bool comma_ = false;      // which needs one after it
};

}  // namespace safelight

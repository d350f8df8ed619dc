// Writing zip archives of stored entries, zip64 where sizes call for it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/atomic_file.h"

namespace safelight::foreign {

class ZipWriter {
 public:
  // `file` must outlive the writer; the caller commits it.
  explicit ZipWriter(AtomicFile& file) : file_(file) {}

  // An entry whose bytes are `head` and then `body`. All entries have the same date, so that equal content gives equal
  // archives. REQUIRES: a name of at most 65,535 bytes that is new. Throws Error(io).
  void add(std::string_view name, std::string_view head, std::span<const std::byte> body);

  // Writes the central directory. REQUIRES: called once, last.
  void finish();

 private:
  void write(std::string_view bytes);

  AtomicFile& file_;
  std::string directory_;
  std::uint64_t position_ = 0, entries_ = 0;
};

}  // namespace safelight::foreign

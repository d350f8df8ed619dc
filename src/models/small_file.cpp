#include "models/small_file.h"

#include <span>

#include "core/fail.h"
#include "core/mapped_file.h"
#include "core/read_fully.h"
#include "core/shown_path.h"

namespace safelight {

std::string read_small_file(const std::filesystem::path& path, std::uint64_t most) {
  const auto file = MappedFile::open(path);
  const std::uint64_t size = file->bytes().size();
  if (size > most)
    fail(ErrorCategory::limit, "[file] {} has {} bytes, expected at most {}", shown_path(path), size, most);
  std::string text(size, '\0');
  read_fully(file->descriptor(), path, 0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace safelight

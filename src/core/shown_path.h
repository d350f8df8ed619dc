// A path in a message.
#pragma once

#include <filesystem>
#include <string>

#include "core/printable.h"

namespace safelight {

// Printable; "the file" for what has no path, such as bytes in memory.
inline std::string shown_path(const std::filesystem::path& path) {
  return path.empty() ? "the file" : printable(path.native());
}

}  // namespace safelight

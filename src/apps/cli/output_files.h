// The names of the pictures that a call makes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace safelight::cli {

// `pattern` names one file, or several: with {seed} in its file name, that is replaced by each picture's seed; without,
// and with a count above 1, "-1", "-2", ... go before the extension.
class OutputFiles {
 public:
  // Throws Error(usage) unless the pattern ends as a picture's name does (picture_format()), and Error(io) if the
  // folder is missing or cannot be written to or the place is taken by something that is no regular file: this is found
  // out before any work is done.
  OutputFiles(const std::string& pattern, std::int64_t count);

  std::filesystem::path path(std::int64_t index, std::uint64_t seed) const;

 private:
  std::filesystem::path pattern_;
  std::int64_t count_;
};

}  // namespace safelight::cli

#include "apps/cli/output_files.h"

#include <algorithm>
#include <string_view>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

constexpr std::string_view kSeed = "{seed}";

bool is_png(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension == ".png";
}

}  // namespace

OutputFiles::OutputFiles(const std::string& pattern, std::int64_t count) : pattern_(pattern), count_(count) {
  if (!is_png(pattern_))
    fail(ErrorCategory::usage, "[output] expected a name ending in .png, found {}", printable(pattern));
  const AtomicFile probe(path(0, 0));  // its temporary file is made and removed again
}

std::filesystem::path OutputFiles::path(std::int64_t index, std::uint64_t seed) const {
  std::string name = pattern_.filename().string();
  if (const std::size_t at = name.find(kSeed); at != std::string::npos)
    name.replace(at, kSeed.size(), std::to_string(seed));
  else if (count_ > 1)
    name = pattern_.stem().string() + "-" + std::to_string(index + 1) + pattern_.extension().string();
  return pattern_.parent_path() / name;
}

}  // namespace safelight::cli

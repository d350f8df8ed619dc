#include "apps/cli/output_files.h"

#include <string_view>

#include "core/atomic_file.h"
#include "safelight/picture.h"

namespace safelight::cli {
namespace {

constexpr std::string_view kSeed = "{seed}";

}  // namespace

OutputFiles::OutputFiles(const std::string& pattern, std::int64_t count) : pattern_(pattern), count_(count) {
  picture_format(pattern_);            // or an error
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

#include "apps/cli/shipped_model.h"

#include <array>
#include <cstdlib>
#include <string>

#include "core/fail.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

constexpr const char* kName = "papercut.safetensors";
constexpr std::array kFolders{"../../models", "../share/safelight/models"};

}  // namespace

std::filesystem::path shipped_model() {
  if (const char* chosen = std::getenv("SAFELIGHT_MODEL"); chosen && *chosen) return chosen;
  std::error_code unknown;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path();
  std::string looked;
  for (const char* folder : kFolders) {
    std::filesystem::path path = (program / folder / kName).lexically_normal();
    if (std::filesystem::exists(path, unknown)) return path;
    looked += (looked.empty() ? "" : ", ") + printable(path.native());
  }
  fail(ErrorCategory::io, "[model] the shipped model was not found; looked for {}; name a checkpoint with -m", looked);
}

}  // namespace safelight::cli

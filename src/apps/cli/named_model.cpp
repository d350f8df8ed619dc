#include "apps/cli/named_model.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "core/fail.h"
#include "core/printable.h"
#include "library/find.h"

namespace safelight::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFolders{"../../models", "../share/safelight/models"};

fs::path program_folder() {
  std::error_code unknown;
  return fs::read_symlink("/proc/self/exe", unknown).parent_path();
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : std::string_view();
}

// Those that exist, each once, however it is written.
void add_folder(const fs::path& folder, std::vector<fs::path>& folders) {
  std::error_code unknown;
  if (!fs::is_directory(folder, unknown)) return;
  if (std::ranges::none_of(folders, [&](const fs::path& other) { return fs::equivalent(folder, other, unknown); }))
    folders.push_back(folder.lexically_normal());
}

void add_users_folders(std::vector<fs::path>& folders) {
  std::string_view list = variable("SAFELIGHT_MODELS");
  if (list.empty()) {
    add_folder("models", folders);
    if (const std::string_view home = variable("HOME"); folders.empty() && !home.empty())
      add_folder(fs::path(home) / "models", folders);
    return;
  }
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    if (end > 0) add_folder(list.substr(0, end), folders);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

}  // namespace

fs::path shipped_model(const std::string& name) {
  if (const std::string_view chosen = variable("SAFELIGHT_MODEL"); !chosen.empty()) return chosen;
  const fs::path program = program_folder();
  std::string looked;
  std::error_code unknown;
  for (const char* folder : kFolders) {
    fs::path path = (program / folder / name).lexically_normal();
    if (fs::exists(path, unknown)) return path;
    looked += (looked.empty() ? "" : ", ") + printable(path.native());
  }
  fail(ErrorCategory::io, "[model] the shipped model was not found; looked for {}; name a checkpoint with -m", looked);
}

std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  add_users_folders(folders);
  for (const char* folder : kFolders) add_folder((program_folder() / folder).lexically_normal(), folders);
  return folders;
}

fs::path named_model(const std::string& text, const Context& context, const std::string& shipped) {
  return text.empty() ? shipped_model(shipped) : find_model(text, model_folders(), context);
}

}  // namespace safelight::cli

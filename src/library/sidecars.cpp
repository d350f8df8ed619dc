#include "library/sidecars.h"

#include <algorithm>

#include "library/folder_kinds.h"

namespace safelight {
namespace {

struct Row {
  std::string_view role, ending;
};
constexpr Row kSidecars[] = {
    {"config", ".yaml"},           {"vae", ".vae.safetensors"},    {"vae", ".vae.pt"},
    {"vae", ".vae.ckpt"},          {"preview", ".preview.png"},    {"preview", ".preview.jpg"},
    {"preview", ".preview.jpeg"},  {"preview", ".preview.webp"},   {"preview", ".png"},
    {"preview", ".jpg"},           {"preview", ".jpeg"},           {"preview", ".webp"},
    {"description", ".txt"},       {"metadata", ".json"},          {"metadata", ".civitai.info"},
    {"metadata", ".cm-info.json"}, {"metadata", ".metadata.json"},
};

bool holds(std::span<const std::string> sorted, const std::string& name) {
  return std::ranges::binary_search(sorted, name);
}

}  // namespace

std::string stem_of(std::string_view file_name) {
  const std::size_t slash = file_name.rfind('/');
  if (slash != std::string_view::npos) file_name.remove_prefix(slash + 1);
  return std::string(file_name.substr(0, file_name.rfind('.')));
}

std::vector<Sidecar> find_sidecars(const std::filesystem::path& folder, std::string_view file_name,
                                   std::span<const std::string> names) {
  const std::string stem = stem_of(file_name);
  std::vector<Sidecar> found;
  for (const Row& row : kSidecars)
    if (std::string name = stem + std::string(row.ending); holds(names, name) && name != file_name)
      found.push_back({row.role, folder / name});
  return found;
}

bool is_vae_beside_model(std::string_view file_name, std::span<const std::string> names) {
  for (const Row& row : kSidecars) {
    if (row.role != "vae" || !file_name.ends_with(row.ending)) continue;
    const std::string begin(file_name.substr(0, file_name.size() - row.ending.size()));
    for (const std::string_view model : {".safetensors", ".ckpt"})
      if (holds(names, begin + std::string(model))) return true;
  }
  return false;
}

}  // namespace safelight

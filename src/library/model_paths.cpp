#include "library/model_paths.h"

#include <algorithm>
#include <cstdlib>

#include "core/fail.h"
#include "core/printable.h"
#include "library/folder_kinds.h"
#include "models/small_file.h"
#include "models/yaml.h"

namespace safelight {
namespace {

constexpr std::uint64_t kLongestFile = 1 << 20;

std::filesystem::path expanded(std::string_view path) {
  const char* home = std::getenv("HOME");
  if (home && (path == "~" || path.starts_with("~/"))) return std::string(home) + std::string(path.substr(1));
  return path;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// One path in each line, or each an item.
std::vector<std::string> paths_of(const YamlNode& value) {
  std::vector<std::string> paths;
  const auto add_lines = [&](std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (const std::string_view line = trimmed(text.substr(0, end)); !line.empty()) paths.emplace_back(line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  };
  if (value.kind == YamlNode::Kind::text) add_lines(value.text);
  for (const YamlNode& item : value.items) add_lines(item.text);
  return paths;
}

bool names_folders_of_models(std::string_view key) {
  return key != "base_path" && key != "is_default" && key != "custom_nodes" && key != "configs";
}

void add_section(const std::string& name, const YamlNode& section, const std::filesystem::path& here,
                 std::vector<ModelPath>& found) {
  std::filesystem::path base = here;
  if (const YamlNode* path = section.find("base_path")) base /= expanded(trimmed(path->text));
  for (const auto& [key, value] : section.members) {
    if (!names_folders_of_models(key)) continue;
    for (const std::string& path : paths_of(value))
      found.push_back({name, key, (base / expanded(path)).lexically_normal(), kind_of_folder(key)});
  }
}

}  // namespace

std::vector<ModelPath> read_model_paths(const std::filesystem::path& yaml) {
  const YamlNode root = parse_yaml(read_small_file(yaml, kLongestFile));
  std::vector<ModelPath> found;
  for (const bool defaults : {true, false})
    for (const auto& [name, section] : root.members) {
      if (section.kind == YamlNode::Kind::text && section.text.empty()) continue;  // all of it is commented out
      if (section.kind != YamlNode::Kind::mapping)
        fail(ErrorCategory::format, "[library] {}: expected a section of folders below {}", printable(yaml.native()),
             printable(name, 60));
      const YamlNode* is_default = section.find("is_default");
      if ((is_default && is_default->is_true()) == defaults) add_section(name, section, yaml.parent_path(), found);
    }
  return found;
}

}  // namespace safelight

#include "apps/cli/checked_paths.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "format/shard_index.h"

namespace safelight::cli {
namespace {

namespace fs = std::filesystem;

class Search {
 public:
  void visit(const fs::path& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0 && !visited_.insert({status.st_dev, status.st_ino}).second) return;
    std::vector<std::string> files, folders;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      std::string name = it->path().filename().native();
      std::error_code ignored;
      if (name.starts_with('.')) continue;
      (it->is_directory(ignored) ? folders : files).push_back(std::move(name));
    }
    if (error) return found.push_back(folder);
    add_files(folder, files);
    std::ranges::sort(folders);
    for (const std::string& name : folders) visit(folder / name);
  }

  std::vector<fs::path> found;

 private:
  void add_files(const fs::path& folder, std::vector<std::string>& files) {
    std::ranges::sort(files);
    const IndexedSets sets(files);
    for (const std::string& index : sets.indices()) found.push_back(folder / index);
    std::erase_if(files, [](const std::string& name) { return !name.ends_with(".safetensors"); });
    const auto is_numbered = [](const std::string& name) { return shard_number(name).has_value(); };
    if (sets.empty() && !files.empty() && std::ranges::all_of(files, is_numbered)) return found.push_back(folder);
    for (const std::string& name : files)
      if (!sets.has_shard(name)) found.push_back(folder / name);
  }

  std::set<std::pair<dev_t, ino_t>> visited_;
};

}  // namespace

std::vector<fs::path> checked_paths(const fs::path& folder) {
  Search search;
  search.visit(folder);
  return std::move(search.found);
}

}  // namespace safelight::cli

#include "library/walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <set>
#include <system_error>
#include <tuple>

#include "core/printable.h"
#include "format/shard_index.h"
#include "library/folder_kinds.h"
#include "library/model_paths.h"
#include "safelight/error.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// The folder in which a program itself is installed: its models are below `models`, and much else beside it.
bool is_program_folder(const fs::path& dir) {
  constexpr std::string_view kMarks[] = {"webui.py",   "launch.py",  "main.py",     "comfy",
                                         "embeddings", "extensions", "custom_nodes"};
  return is_folder(dir / "models") &&
         std::ranges::any_of(kMarks, [&](std::string_view mark) { return is_there(dir / mark); });
}

// A folder that is to be looked into.
struct Visit {
  fs::path folder;
  std::string name;  // relative to the root of names; "" for that itself, else with "/" at the end
  std::optional<ModelKind> kind;
};

// What is in one folder, by name.
struct Listing {
  std::vector<std::string> files, folders, linked_folders, lost_links;
};

class Walk {
 public:
  explicit Walk(const Context& context) : context_(context) {}

  void add(const ModelsRoot& root) {
    const fs::path& dir = root.folder;
    const fs::path own_name = (dir.filename().empty() ? dir.parent_path() : dir).filename();  // of "models/", too
    std::deque<Visit> open{{dir, "", root.kind ? root.kind : kind_of_folder(own_name.native())}};
    std::deque<Visit> linked;  // after all that are there in their own right
    while (!open.empty() || !linked.empty()) {
      context_.check_cancelled();
      std::deque<Visit>& next = open.empty() ? linked : open;
      const Visit visit = std::move(next.front());
      next.pop_front();
      look_into(visit, open, linked);
    }
  }

  std::vector<FoundModel> result() {
    std::ranges::sort(found_, [](const FoundModel& a, const FoundModel& b) {
      return std::tie(a.name, a.path.native()) < std::tie(b.name, b.path.native());
    });
    return std::move(found_);
  }

 private:
  void look_into(const Visit& visit, std::deque<Visit>& open, std::deque<Visit>& linked) {
    struct stat status {};
    if (::stat(visit.folder.c_str(), &status) == 0 && !visited_.insert({status.st_dev, status.st_ino}).second) return;
    if (is_there(visit.folder / "model_index.json")) {
      const std::string name =
          visit.name.empty() ? visit.folder.filename().native() : visit.name.substr(0, visit.name.size() - 1);
      found_.push_back({visit.folder, name, visit.kind, {}});
      return;
    }
    Listing listing;
    if (const std::error_code error = list(visit.folder, listing)) {
      found_.push_back({visit.folder,
                        visit.name.empty() ? visit.folder.native() : visit.name,
                        visit.kind,
                        {},
                        "the folder cannot be read: " + error.message()});
      return;
    }
    add_files(visit, listing);
    for (auto& [names, queue] : {std::pair(&listing.folders, &open), std::pair(&listing.linked_folders, &linked)})
      for (const std::string& name : *names) queue->push_back(below(visit, name));
  }

  // A folder of a kind begins names anew, as programs show them: relative to it.
  static Visit below(const Visit& visit, const std::string& name) {
    if (const auto kind = kind_of_folder(name); kind && !visit.kind) return {visit.folder / name, "", kind};
    return {visit.folder / name, visit.name + name + "/", visit.kind};
  }

  static std::error_code list(const fs::path& folder, Listing& listing) {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      std::string name = it->path().filename().native();
      if (name.starts_with('.')) continue;
      std::error_code ignored;
      const bool link = it->is_symlink(ignored);
      if (it->is_directory(ignored))
        (link ? listing.linked_folders : listing.folders).push_back(std::move(name));
      else
        (link && !it->exists(ignored) ? listing.lost_links : listing.files).push_back(std::move(name));
    }
    for (auto* names : {&listing.files, &listing.folders, &listing.linked_folders, &listing.lost_links})
      std::ranges::sort(*names);
    return error;
  }

  void add_files(const Visit& visit, const Listing& listing) {
    const auto add_model = [&](const std::string& name, std::string problem = {}) {
      found_.push_back({visit.folder / name, visit.name + name, visit.kind,
                        find_sidecars(visit.folder, name, listing.files), std::move(problem)});
    };
    const IndexedSets sets(listing.files);
    for (const std::string& index : sets.indices()) add_model(index);
    for (const std::string& name : listing.files)
      if (is_model_name(name) && !is_vae_beside_model(name, listing.files) && !sets.has_shard(name)) add_model(name);
    for (const std::string& name : listing.lost_links)
      if (is_model_name(name)) add_model(name, "a link that leads nowhere");
  }

  const Context& context_;
  std::set<std::pair<dev_t, ino_t>> visited_;
  std::vector<FoundModel> found_;
};

}  // namespace

std::vector<ModelsRoot> roots_of(const fs::path& dir, std::vector<FoundModel>& problems) {
  std::vector<ModelsRoot> roots;
  if (is_program_folder(dir)) {
    for (const fs::path& folder :
         {dir / "models", dir / "embeddings", dir / "extensions" / "sd-webui-controlnet" / "models"})
      if (is_folder(folder)) roots.push_back({folder});
    if (roots.size() > 0 && roots.back().folder.parent_path().filename() == "sd-webui-controlnet")
      roots.back().kind = ModelKind::controlnet;
  } else {
    roots.push_back({dir});
  }
  const fs::path yaml = dir / "extra_model_paths.yaml";
  if (!is_there(yaml)) return roots;
  try {
    for (const ModelPath& path : read_model_paths(yaml))
      if (is_folder(path.folder)) roots.push_back({path.folder, path.kind});
  } catch (const Error& e) {
    problems.push_back({yaml, yaml.filename().native(), std::nullopt, {}, e.what()});
  }
  return roots;
}

std::vector<FoundModel> find_models(const std::vector<ModelsRoot>& roots, const Context& context) {
  Walk walk(context);
  for (const ModelsRoot& root : roots) walk.add(root);
  return walk.result();
}

}  // namespace safelight

#include "models/component_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "core/fail.h"
#include "core/printable.h"
#include "core/shown_path.h"
#include "core/take.h"
#include "format/shard_index.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

// What diffusers and transformers call the files of their models.
constexpr std::array<std::string_view, 2> kNames{"diffusion_pytorch_model", "model"};

struct FileName {
  std::string model, variant;
  bool is_index = false;
};

// Shards of a variant are numbered before or behind its name: "model.fp16-00001-of-00002", "model-00001-of-00002.fp16".
bool is_shard(std::string_view stem) {
  const std::string file(stem), before(stem.substr(0, stem.rfind('.')));
  return shard_number(file + ".safetensors") || shard_number(before + ".safetensors");
}

std::optional<FileName> parse(std::string_view name) {
  if (name.starts_with(".")) return std::nullopt;  // what some systems put beside every file
  std::string_view stem = name, variant;
  const bool is_index = take_end(stem, ".json");
  if (is_index) {
    constexpr std::string_view kIndex = ".safetensors.index";
    const std::size_t at = stem.find(kIndex);
    if (at == std::string_view::npos) return std::nullopt;
    variant = stem.substr(at + kIndex.size());
    if (!variant.empty() && !take(variant, ".")) return std::nullopt;
    stem = stem.substr(0, at);
  } else if (!take_end(stem, ".safetensors") || is_shard(stem)) {
    return std::nullopt;
  }
  const std::size_t dot = std::min(stem.find('.'), stem.size());
  if (variant.empty() && dot < stem.size()) variant = stem.substr(dot + 1);
  return FileName{std::string(stem.substr(0, dot)), std::string(variant), is_index};
}

std::vector<std::string> list(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename());
  if (error) fail(ErrorCategory::io, "[model] cannot list {}: {}", shown_path(folder), error.message());
  std::ranges::sort(names);
  return names;
}

// The model whose files count: one of the usual names, or the only one.
std::string choose_model(const std::map<std::string, std::vector<ComponentFile>>& models, const fs::path& folder) {
  for (const std::string_view name : kNames)
    if (models.contains(std::string(name))) return std::string(name);
  if (models.size() == 1) return models.begin()->first;
  fail(ErrorCategory::model, "[model] {} has files of several models, {} and {} among them; expected one of {}",
       shown_path(folder), printable(models.begin()->first), printable(std::next(models.begin())->first),
       fmt::join(kNames, ", "));
}

[[noreturn]] void reject_empty(const fs::path& folder) {
  constexpr std::array<std::string_view, 5> kForeign{".bin", ".ckpt", ".pt", ".msgpack", ".onnx"};
  for (const std::string& name : list(folder))
    for (const std::string_view end : kForeign)
      if (name.ends_with(end))
        fail(ErrorCategory::model,
             "[model] {} has no .safetensors file, but {}, which `safelight convert` may turn into one",
             shown_path(folder), printable(name));
  fail(ErrorCategory::model, "[model] {} has no .safetensors file", shown_path(folder));
}

std::string shown_variant(const ComponentFile& file) {
  return file.variant.empty() ? "a plain one" : printable(file.variant);
}

}  // namespace

std::vector<ComponentFile> component_files(const fs::path& folder) {
  std::map<std::string, std::vector<ComponentFile>> models;
  for (const std::string& name : list(folder)) {
    const auto file = parse(name);
    if (!file) continue;
    std::vector<ComponentFile>& files = models[file->model];
    const auto same = std::ranges::find(files, file->variant, &ComponentFile::variant);
    if (same == files.end())
      files.push_back({folder / name, file->variant});
    else if (!file->is_index)
      same->path = folder / name;
  }
  return models.empty() ? std::vector<ComponentFile>{} : std::move(models.at(choose_model(models, folder)));
}

std::optional<fs::path> component_folder(const fs::path& path) {
  std::error_code unknown;
  if (fs::is_directory(path, unknown)) return path;
  const auto file = parse(path.filename().native());
  if (!file || std::ranges::find(kNames, file->model) == kNames.end()) return std::nullopt;
  return path.parent_path();
}

const ComponentFile& choose(const std::vector<ComponentFile>& files, const fs::path& folder, std::string_view variant) {
  if (files.empty()) reject_empty(folder);
  for (const std::string_view wanted : {variant, std::string_view()})
    if (const auto at = std::ranges::find(files, wanted, &ComponentFile::variant); at != files.end()) return *at;
  if (files.size() == 1 && variant.empty()) return files.front();
  std::vector<std::string> there;
  std::ranges::transform(files, std::back_inserter(there), shown_variant);
  fail(ErrorCategory::model, "[model] {} has no {} .safetensors file, but those of variants: {}; choose with --variant",
       shown_path(folder), variant.empty() ? "plain" : printable(variant), fmt::join(there, ", "));
}

}  // namespace safelight

#include "library/find.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "core/edit_distance.h"
#include "core/fail.h"
#include "core/printable.h"
#include "library/folder_kinds.h"
#include "library/quick_hash.h"
#include "library/sidecars.h"
#include "library/walk.h"
#include "safelight/error.h"
#include "safelight/hash.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostListed = 5;

// "anime/x" of "anime/x.safetensors"; folders keep their names.
std::string_view without_extension(std::string_view name) {
  if (!is_model_name(name)) return name;
  return name.substr(0, name.rfind('.'));
}

std::string_view last_part(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

// The names that a model goes by, the most exact first.
std::vector<std::string> names_of(const FoundModel& model) {
  const std::string_view name = model.name;
  return {std::string(name), std::string(without_extension(name)), std::string(last_part(name)),
          std::string(last_part(without_extension(name)))};
}

using Matches = std::vector<const FoundModel*>;

Matches by_name(const std::vector<FoundModel>& models, const std::string& text) {
  for (const bool any_case : {false, true})
    for (std::size_t exactness = 0; exactness < 4; ++exactness) {
      Matches matches;
      for (const FoundModel& model : models) {
        const std::string name = names_of(model)[exactness];
        if (any_case ? lower_case(name) == lower_case(text) : name == text) matches.push_back(&model);
      }
      if (!matches.empty()) return matches;
    }
  return {};
}

bool is_hash(std::string_view text) {
  const bool digits =
      std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return digits && (text.size() == 8 || text.size() == 10 || text.size() == 12 || text.size() == 64);
}

bool is_file(const FoundModel& model) {
  std::error_code ignored;
  return model.problem.empty() && fs::is_regular_file(model.path, ignored);
}

Matches by_hash(const std::vector<FoundModel>& models, std::string_view hash, const Context& context) {
  Matches matches;
  for (const FoundModel& model : models) {
    context.check_cancelled();
    if (!is_file(model)) continue;
    try {
      if (has_hash(cached_hashes_of(model.path), hash) || (hash.size() == 8 && autov1_of(model.path) == hash))
        matches.push_back(&model);
    } catch (const Error&) {
      // One that cannot be read is not the one that is looked for.
    }
  }
  return matches;
}

// "x.safetensors [6ce0161689]".
struct Title {
  std::string name, hash;
};

std::optional<Title> parse_title(const std::string& text) {
  const std::size_t bracket = text.rfind(" [");
  if (bracket == std::string::npos || !text.ends_with(']')) return std::nullopt;
  Title title{text.substr(0, bracket), lower_case(text.substr(bracket + 2, text.size() - bracket - 3))};
  return is_hash(title.hash) ? std::optional(title) : std::nullopt;
}

// Of the models with the name of a title, those with its hash, too.
Matches with_hash(const Matches& named, const Title& title, const Context& context) {
  Matches matches;
  for (const FoundModel* model : named)
    if (is_file(*model) && (has_hash(cached_hashes_of(model->path), title.hash) ||
                            has_hash(hash_file(model->path, {}, context), title.hash)))
      matches.push_back(model);
  if (!named.empty() && matches.empty())
    fail(ErrorCategory::io, "[model] {} has another hash than {}", printable(named.front()->path.native()), title.hash);
  return matches;
}

// How far a name is from what was asked for: one that holds it is near.
std::size_t farness(const FoundModel& model, const std::string& text) {
  constexpr std::size_t kLongest = 200;
  const std::string wanted = lower_case(text.substr(0, kLongest));
  const std::string name = lower_case(last_part(without_extension(model.name)).substr(0, kLongest));
  if (name.find(wanted) != std::string::npos) return 0;
  return edit_distance(name, lower_case(last_part(without_extension(wanted))));
}

std::string list_names(const Matches& models) {
  std::vector<std::string> names;
  for (const FoundModel* model : models) {
    if (names.size() == kMostListed) {
      names.push_back(fmt::format("{} more", models.size() - kMostListed));
      break;
    }
    names.push_back(printable(model->name));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// What was looked for, as it is told and as a name that others may be near to.
struct Wanted {
  std::string text, name;
  bool by_hash = false;
};

[[noreturn]] void fail_without_match(const Wanted& wanted, const std::vector<FoundModel>& models,
                                     std::span<const fs::path> folders) {
  std::vector<std::string> looked;
  for (const fs::path& folder : folders) looked.push_back(printable(folder.native()));
  if (models.empty())
    fail(ErrorCategory::io, "[model] {}: no such file, and no models to look for the name in{}{}",
         printable(wanted.text), looked.empty() ? "" : ": ", fmt::join(looked, ", "));
  const std::string where = fmt::format("no file and no model of {}", fmt::join(looked, ", "));
  Matches nearest;
  for (const FoundModel& model : models) nearest.push_back(&model);
  std::ranges::stable_sort(nearest, {}, [&](const FoundModel* model) { return farness(*model, wanted.name); });
  nearest.resize(std::min(nearest.size(), std::size_t{3}));
  fail(ErrorCategory::io, "[model] {}: {}; the nearest: {}{}", printable(wanted.text), where, list_names(nearest),
       wanted.by_hash ? "; safelight models --hash computes the hashes that are missing" : "");
}

std::vector<FoundModel> models_below(std::span<const fs::path> folders, const Context& context) {
  std::vector<ModelsRoot> roots;
  std::vector<FoundModel> problems;
  std::error_code ignored;
  for (const fs::path& folder : folders)
    if (fs::is_directory(folder, ignored)) std::ranges::move(roots_of(folder, problems), std::back_inserter(roots));
  return find_models(roots, context);
}

// Two names of one file are one model.
bool are_one_file(const Matches& models) {
  std::error_code ignored;
  return std::ranges::all_of(
      models, [&](const FoundModel* model) { return fs::equivalent(model->path, models.front()->path, ignored); });
}

// REQUIRES: at least one.
fs::path the_one(const Matches& matches, const std::string& text) {
  if (matches.size() > 1 && !are_one_file(matches))
    fail(ErrorCategory::usage, "[model] {} is the {} of {} models: {}; name one of them in full", printable(text),
         is_hash(lower_case(text)) ? "hash" : "name", matches.size(), list_names(matches));
  return matches.front()->path;
}

}  // namespace

fs::path find_model(const std::string& text, std::span<const fs::path> folders, const Context& context) {
  std::error_code ignored;
  if (fs::exists(text, ignored)) return text;
  const std::vector<FoundModel> models = models_below(folders, context);
  Matches matches = by_name(models, text);
  if (const auto title = parse_title(text); title && matches.empty()) {
    matches = with_hash(by_name(models, title->name), *title, context);
    if (matches.empty()) matches = by_hash(models, title->hash, context);  // renamed since
  }
  if (const std::string hash = lower_case(text); matches.empty() && is_hash(hash))
    matches = by_hash(models, hash, context);
  if (matches.empty()) fail_without_match({text, text, is_hash(lower_case(text))}, models, folders);
  return the_one(matches, text);
}

fs::path find_model_by_hash_or_name(const std::string& hash, const std::string& name, std::span<const fs::path> folders,
                                    const Context& context) {
  const std::vector<FoundModel> models = models_below(folders, context);
  const std::string digits = lower_case(hash);
  Matches named = name.empty() ? Matches() : by_name(models, name);
  Matches matches = is_hash(digits) ? by_hash(models, digits, context) : Matches();
  if (matches.empty()) std::swap(matches, named);
  if (matches.size() > 1)  // weak hashes: all small files have one AutoV1
    std::erase_if(matches, [&](const FoundModel* model) {
      return !named.empty() && std::ranges::find(named, model) == named.end();
    });
  const std::string text = digits.empty() ? name : name.empty() ? digits : fmt::format("{} [{}]", name, digits);
  if (matches.empty()) fail_without_match({text, name, is_hash(digits)}, models, folders);
  return the_one(matches, text);
}

std::optional<fs::path> find_companion(const std::string& file_name, std::span<const fs::path> folders,
                                       const Context& context) {
  const std::vector<FoundModel> models = models_below(folders, context);
  const Matches matches = by_name(models, file_name);
  if (matches.empty() || !are_one_file(matches)) return std::nullopt;
  return matches.front()->path;
}

}  // namespace safelight

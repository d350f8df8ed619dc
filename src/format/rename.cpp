#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/fail.h"
#include "core/mapped_file.h"
#include "core/read_fully.h"
#include "core/utf8.h"
#include "format/json_reader.h"
#include "format/list_names.h"
#include "format/rules.h"
#include "safelight/edit.h"

namespace safelight {
namespace {

// A substitution ready for use.
class Replacement {
 public:
  explicit Replacement(const Substitution& substitution)
      : replacement_(substitution.replacement), every_(substitution.every) {
    RE2::Options options;
    options.set_log_errors(false);
    regex_ = std::make_unique<RE2>(substitution.regex, options);
    if (!regex_->ok())
      fail(ErrorCategory::usage, "[rename] \"{}\" is no regular expression: {}", shown(substitution.regex),
           shown(regex_->error()));
    std::string error;
    if (!regex_->CheckRewriteString(replacement_, &error))
      fail(ErrorCategory::usage, "[rename] \"{}\" is no replacement for \"{}\": {}", shown(replacement_),
           shown(substitution.regex), shown(error));
  }

  void apply(std::string& name) const {
    if (every_)
      RE2::GlobalReplace(&name, *regex_, replacement_);
    else
      RE2::Replace(&name, *regex_, replacement_);
  }

 private:
  std::unique_ptr<RE2> regex_;
  std::string replacement_;
  bool every_;
};

std::string new_name(std::string name, const Renaming& renaming, const std::vector<Replacement>& rules) {
  if (const auto mapped = renaming.names.find(name); mapped != renaming.names.end()) name = mapped->second;
  if (!renaming.strip_prefix.empty() && name.starts_with(renaming.strip_prefix))
    name.erase(0, renaming.strip_prefix.size());
  for (const Replacement& rule : rules) rule.apply(name);
  return renaming.add_prefix + name;
}

// Throws Error(usage) that says which tensors would share which name.
void check_collisions(std::span<const PendingTensor> tensors, const std::vector<std::string>& names) {
  std::map<std::string_view, std::vector<std::string_view>> owners;
  for (std::size_t i = 0; i < names.size(); ++i) owners[names[i]].push_back(tensors[i].name);
  std::erase_if(owners, [](const auto& owner) { return owner.second.size() == 1; });
  if (owners.empty()) return;
  constexpr std::size_t kShown = 3;
  std::string collisions;
  std::size_t count = 0;
  for (const auto& [name, from] : owners) {
    if (count++ == kShown) break;
    collisions += fmt::format("{}\"{}\" from {}", collisions.empty() ? "" : "; ", shown(name), list_names(from));
  }
  fail(ErrorCategory::usage, "[rename] {} name{} would belong to several tensors: {}{}", owners.size(),
       owners.size() == 1 ? "" : "s", collisions, owners.size() > kShown ? "; ..." : "");
}

}  // namespace

Substitution parse_substitution(std::string_view text) {
  const auto refuse = [&] {
    fail(ErrorCategory::usage, "[rename] expected s/REGEX/REPLACEMENT/ or s/REGEX/REPLACEMENT/g, found \"{}\"",
         shown(text));
  };
  if (text.size() < 4 || text[0] != 's' || text[1] == '\\' || static_cast<unsigned char>(text[1]) >= 0x80) refuse();
  const char delimiter = text[1];
  std::vector<std::string> fields(1);
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] == delimiter) {
      fields.emplace_back();
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      if (text[i + 1] != delimiter) fields.back() += '\\';
      fields.back() += text[++i];
    } else {
      fields.back() += text[i];
    }
  }
  if (fields.size() != 3 || fields[0].empty() || (!fields[2].empty() && fields[2] != "g")) refuse();
  return {.regex = fields[0], .replacement = fields[1], .every = fields[2] == "g"};
}

std::map<std::string, std::string> read_name_map(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  std::string text(file->bytes().size(), '\0');
  read_fully(file->descriptor(), path, 0, std::as_writable_bytes(std::span(text)));
  std::map<std::string, std::string> names;
  try {
    if (!is_utf8(text)) broken(Rule::header_utf8, "it is not UTF-8");
    JsonReader json(text, 0);
    json.object([&](std::string_view key) {
      const std::string from(key);
      if (!names.emplace(from, json.string()).second)
        broken(Rule::duplicate_key, "it repeats the name \"{}\"", shown(from));
    });
    json.expect_end();
  } catch (const BrokenRule& e) {
    fail(ErrorCategory::format, "[rename] {} does not map names to names: {}", shown(path.native()), e.what());
  }
  return names;
}

std::vector<RenamedTensor> rename(std::vector<PendingTensor>& tensors, const Renaming& renaming) {
  const std::vector<Replacement> rules = [&] {
    std::vector<Replacement> list;
    for (const Substitution& substitution : renaming.substitutions) list.emplace_back(substitution);
    return list;
  }();
  std::vector<std::string> names;
  names.reserve(tensors.size());
  for (const PendingTensor& t : tensors) names.push_back(new_name(t.name, renaming, rules));
  check_collisions(tensors, names);
  std::vector<RenamedTensor> renamed;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (names[i] == tensors[i].name) continue;
    renamed.push_back({std::move(tensors[i].name), names[i]});
    tensors[i].name = std::move(names[i]);
  }
  return renamed;
}

}  // namespace safelight

// safelight rename: the same tensors under other names.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/edit_report.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/edit.h"

namespace safelight::cli {
namespace {

struct Options {
  std::string file, map, strip_prefix, add_prefix;
  std::vector<std::string> substitutions;
  EditOptions edit;
};

Renaming renaming_of(const Options& options) {
  Renaming renaming{.strip_prefix = options.strip_prefix, .add_prefix = options.add_prefix};
  if (!options.map.empty()) renaming.names = read_name_map(options.map);
  for (const std::string& text : options.substitutions) renaming.substitutions.push_back(parse_substitution(text));
  return renaming;
}

std::string as_json(const Options& options, const std::vector<RenamedTensor>& renamed, std::size_t tensors) {
  std::string out = fmt::format(R"({{"file":{},{},"tensors":{},"renamed":[)", json_string(options.file),
                                outcome_json(options.edit), tensors);
  const char* separator = "";
  for (const RenamedTensor& r : renamed) {
    out += fmt::format(R"({}{{"from":{},"to":{}}})", separator, json_string(r.from), json_string(r.to));
    separator = ",";
  }
  return out + "]}\n";
}

std::string as_text(const Options& options, const std::vector<RenamedTensor>& renamed, std::size_t tensors) {
  std::string out;
  if (options.edit.dry_run)
    for (const RenamedTensor& r : renamed)
      out += fmt::format("{} -> {}\n", printable(r.from, 200), printable(r.to, 200));
  return out + fmt::format("{} of {} renamed\n", human_count(renamed.size()), counted(tensors, "tensor")) +
         outcome(options.edit);
}

int rename_tensors(const Options& options) {
  check_output(options.edit);
  const ShardedTensors files = open(options.file, options.edit);
  std::vector<PendingTensor> tensors = tensors_of(files);
  const std::vector<RenamedTensor> renamed = rename(tensors, renaming_of(options));
  if (renamed.empty())
    fail(ErrorCategory::usage, "[rename] expected a rule that changes a name, found none that changes one of the {}",
         tensors.size());
  write(tensors, files.metadata(), options.edit);
  fmt::print("{}",
             options.edit.json ? as_json(options, renamed, tensors.size()) : as_text(options, renamed, tensors.size()));
  return 0;
}

}  // namespace

void add_rename(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("rename", "Write a file with the same tensors under other names.");
  command.add_option("FILE", options->file, "The file whose tensors get other names, or the folder or index of a set")
      .required();
  command.add_option("-e,--expression", options->substitutions,
                     "s/REGEX/REPLACEMENT/, with g at the end for every place; \\1 is the first group. Repeatable");
  command.add_option("--from-json", options->map, "A JSON object that maps names to names");
  command.add_option("--strip-prefix", options->strip_prefix, "Take this off the names that begin with it");
  command.add_option("--add-prefix", options->add_prefix, "Put this before every name");
  add_edit_options(command, options->edit, "Where the new file goes; may be FILE itself");
  command.footer(
      "Order: the map, the prefix taken off, the expressions (RE2's syntax), the prefix put on. If two tensors would "
      "get\n"
      "one name, nothing is written.\n"
      "Example: safelight rename lora.safetensors -e 's/^lora_unet_(.*)/unet.\\1/' -o renamed.safetensors");
  command.callback([options, &status] { status = rename_tensors(*options); });
}

}  // namespace safelight::cli

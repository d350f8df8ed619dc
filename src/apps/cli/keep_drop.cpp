// safelight keep, safelight drop: some of a file's tensors.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/edit_report.h"
#include "apps/cli/totals.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/edit.h"

namespace safelight::cli {
namespace {

enum class What { keep, drop };

struct Options {
  std::string file;
  std::vector<std::string> patterns;
  EditOptions edit;
};

// The names that are not in the list any more.
std::vector<std::string> names_left_out(const ShardedTensors& files, const std::vector<PendingTensor>& kept) {
  std::set<std::string_view> names;
  for (const PendingTensor& t : kept) names.insert(t.name);
  std::vector<std::string> out;
  for (const auto& [info, shard] : files.tensors())
    if (!names.contains(info->name)) out.push_back(info->name);
  return out;
}

std::string as_json(const Options& options, const std::vector<PendingTensor>& kept,
                    const std::vector<std::string>& left_out) {
  std::vector<std::string> names;
  names.reserve(kept.size());
  for (const PendingTensor& t : kept) names.push_back(t.name);
  return fmt::format(R"({{"file":{},{},"kept":{},"dropped":{},"bytes":{}}})"
                     "\n",
                     json_string(options.file), outcome_json(options.edit), texts_json(names), texts_json(left_out),
                     bytes_of(kept));
}

std::string as_text(const Options& options, const ShardedTensors& files, const std::vector<PendingTensor>& kept,
                    const std::vector<std::string>& left_out) {
  std::string out;
  if (options.edit.dry_run)
    for (const std::string& name : left_out) out += fmt::format("left out: {}\n", printable(name, 200));
  return out +
         fmt::format("{} of {}, {}\n", human_count(kept.size()), counted(files.tensors().size(), "tensor"),
                     human_bytes(bytes_of(kept))) +
         outcome(options.edit);
}

int select(const Options& options, What what) {
  check_output(options.edit);
  const ShardedTensors files = open(options.file, options.edit);
  const std::vector<PendingTensor> kept =
      what == What::keep ? keep(tensors_of(files), options.patterns) : drop(tensors_of(files), options.patterns);
  write(kept, files.metadata(), options.edit);
  const std::vector<std::string> left_out = names_left_out(files, kept);
  fmt::print("{}", options.edit.json ? as_json(options, kept, left_out) : as_text(options, files, kept, left_out));
  return 0;
}

void add(Command app, int& status, What what, const char* name, const char* description, const char* example) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(name, description);
  command.add_option("FILE", options->file, "The file to take tensors from, or the folder or index of a set")
      .required();
  command.add_option("GLOB", options->patterns, "Patterns of names: * (any text, dots included) ? [a-z]").required();
  add_edit_options(command, options->edit, "Where the new file goes; may be FILE itself");
  command.footer(example);
  command.callback([options, &status, what] { status = select(*options, what); });
}

}  // namespace

void add_keep(Command app, int& status) {
  add(app, status, What::keep, "keep", "Write a file with those tensors whose names fit a pattern.",
      "Example: safelight keep model.safetensors 'first_stage_model.*' -o vae.safetensors");
}

void add_drop(Command app, int& status) {
  add(app, status, What::drop, "drop", "Write a file without those tensors whose names fit a pattern.",
      "Example: safelight drop model.safetensors 'model_ema.*' -o smaller.safetensors");
}

}  // namespace safelight::cli

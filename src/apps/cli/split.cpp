// safelight split: one file into several, with an index.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/edit_report.h"
#include "apps/cli/work_progress.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/edit.h"

namespace safelight::cli {
namespace {

struct Options {
  std::string file;
  std::uint64_t max_size = 0;
  bool by_prefix = false;
  EditOptions edit;
};

// What the parts are named after: "model" for model.safetensors, its index, and the folder model/.
std::string model_name(const std::string& path) {
  std::string name = std::filesystem::absolute(path).lexically_normal().native();
  while (name.ends_with('/')) name.pop_back();
  name = std::filesystem::path(name).filename().native();
  for (const std::string_view end : {".json", ".index", ".safetensors"})
    if (name.ends_with(end)) name.resize(name.size() - end.size());
  return name;
}

std::vector<Part> parts_of(const ShardedTensors& files, const Options& options) {
  if (options.by_prefix) return split_by_prefix(tensors_of(files));
  return split_by_size(tensors_of(files), model_name(options.file), options.max_size);
}

std::string as_json(const Options& options, const std::vector<Part>& parts) {
  std::string out = fmt::format(R"({{"file":{},{},"parts":[)", json_string(options.file), outcome_json(options.edit));
  const char* separator = "";
  for (const Part& part : parts) {
    out += fmt::format(R"({}{{"file":{},"tensors":{},"bytes":{}}})", separator, json_string(part.file),
                       part.tensors.size(), bytes_of(part.tensors));
    separator = ",";
  }
  return out + "]}\n";
}

std::string as_text(const Options& options, const std::vector<Part>& parts) {
  std::string out;
  for (const Part& part : parts)
    out += fmt::format("{}  {}, {}\n", printable(part.file), counted(part.tensors.size(), "tensor"),
                       human_bytes(bytes_of(part.tensors)));
  return out + outcome(options.edit);
}

int split(const Options& options) {
  check_output(options.edit);
  if (options.by_prefix == (options.max_size > 0))
    fail(ErrorCategory::usage, "[split] expected either --max-size or --by-prefix, found {}",
         options.by_prefix ? "both" : "neither");
  const ShardedTensors files = open(options.file, options.edit);
  const std::vector<Part> parts = parts_of(files, options);
  if (!options.edit.dry_run) {
    WorkProgress progress(options.edit.json);
    save_parts(options.edit.output, model_name(options.file), parts, without_hashes(files.metadata()),
               progress.context(options.edit.threads));
  }
  fmt::print("{}", options.edit.json ? as_json(options, parts) : as_text(options, parts));
  return 0;
}

}  // namespace

void add_split(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("split", "Split a file into several with an index, in a folder of their own.");
  command.add_option("FILE", options->file, "The file to split, or the folder or index of a set to split anew")
      .required();
  command.add_option("--max-size", options->max_size, "At most so many bytes of tensors in each: 2GB, 500MB, 1GiB")
      .size_in_bytes();
  command.add_flag("--by-prefix", options->by_prefix, "One file for each first part of the names, up to the first dot");
  add_edit_options(command, options->edit, "The folder for the files: a new one, or an empty one");
  command.footer("Example: safelight split model.safetensors --max-size 2GB -o model/");
  command.callback([options, &status] { status = split(*options); });
}

}  // namespace safelight::cli

// safelight join: the tensors of several files in one.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/edit_report.h"
#include "apps/cli/totals.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/edit.h"
#include "safelight/sharded.h"

namespace safelight::cli {
namespace {

struct Options {
  std::vector<std::string> inputs;
  EditOptions edit;
};

std::string as_json(const Options& options, const std::vector<PendingTensor>& tensors, const JoinedMetadata& joined,
                    std::size_t files) {
  return fmt::format(R"({{"inputs":{},{},"files":{},"tensors":{},"bytes":{},"metadata_conflicts":{}}})"
                     "\n",
                     texts_json(options.inputs), outcome_json(options.edit), files, tensors.size(), bytes_of(tensors),
                     texts_json(joined.conflicts));
}

std::string as_text(const Options& options, const std::vector<PendingTensor>& tensors, const JoinedMetadata& joined,
                    std::size_t files) {
  std::string out;
  for (const std::string& key : joined.conflicts)
    out += fmt::format("metadata \"{}\" differs between the files: the first one's was kept\n", printable(key, 100));
  return out +
         fmt::format("{}, {}, {}\n", counted(files, "file"), counted(tensors.size(), "tensor"),
                     human_bytes(bytes_of(tensors))) +
         outcome(options.edit);
}

int join_files(const Options& options) {
  check_output(options.edit);
  std::vector<SafeTensors> files;
  for (const std::string& input : options.inputs) {
    const ShardedTensors set = open(input, options.edit);
    files.insert(files.end(), set.shards().begin(), set.shards().end());
  }
  const std::vector<PendingTensor> tensors = join(files);
  const JoinedMetadata joined = join_metadata(files);
  write(tensors, joined.metadata, options.edit);
  fmt::print("{}", options.edit.json ? as_json(options, tensors, joined, files.size())
                                     : as_text(options, tensors, joined, files.size()));
  return 0;
}

}  // namespace

void add_join(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("join", "Write one file with the tensors of several.");
  command.add_option("INPUT", options->inputs, "Files, folders of files, or the index of a set").required();
  add_edit_options(command, options->edit, "Where the new file goes");
  command.footer(
      "A tensor that several files have is an error, and nothing is written.\n"
      "Example: safelight join model.safetensors.index.json -o model.safetensors");
  command.callback([options, &status] { status = join_files(*options); });
}

}  // namespace safelight::cli

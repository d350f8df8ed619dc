// safelight set-metadata: what a file says about itself.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/save_note.h"
#include "apps/cli/work_progress.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/edit_metadata.h"

namespace safelight::cli {
namespace {

struct Options {
  std::string file, from_json, output;
  std::vector<std::string> assignments, remove;
  std::uint64_t slack = 0;
  bool json = false;
};

// The first '=' ends the key.
std::pair<std::string, std::string> split_assignment(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos)
    fail(ErrorCategory::usage, "[set-metadata] expected key=value, found \"{}\"", printable(text));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Metadata read_json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorCategory::io, "[set-metadata] cannot open {}", printable(path));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) fail(ErrorCategory::io, "[set-metadata] cannot read {}", printable(path));
  return parse_metadata(text);
}

// The command line has the last word over the file of --from-json.
MetadataEdits edits_of(const Options& options) {
  MetadataEdits edits{.remove = options.remove};
  if (!options.from_json.empty()) edits.set = read_json(options.from_json);
  for (const std::string& text : options.assignments) {
    auto [key, value] = split_assignment(text);
    edits.set.insert_or_assign(std::move(key), std::move(value));
  }
  if (edits.set.empty() && edits.remove.empty() && options.slack == 0 && options.output.empty())
    fail(ErrorCategory::usage, "[set-metadata] nothing to do: expected key=value, --remove, --from-json or --slack");
  return edits;
}

std::string_view in_words(EditWay way) {
  switch (way) {
    case EditWay::unchanged:
      return "unchanged: it says so already";
    case EditWay::in_place:
      return "edited in place";
    case EditWay::shared_extents:
      return "written anew, sharing the tensors' blocks on the disk";
    case EditWay::kernel_copy:
    case EditWay::copy:
      break;
  }
  return "written anew";
}

std::string as_json(const std::string& file, const EditReport& report) {
  return fmt::format("{{\"file\":{},\"way\":{},\"slack\":{},\"atomic\":{},\"durable\":{},\"note\":{}}}\n",
                     json_string(file), json_string(name(report.way)), report.slack, report.save.atomic,
                     report.save.durable, json_string(report.save.note));
}

int set_metadata(const Options& options) {
  const MetadataEdits edits = edits_of(options);
  WorkProgress progress(options.json);
  const EditReport report =
      edit_metadata(options.file, edits, {.output = options.output, .slack = options.slack}, progress.context());
  progress.clear();
  const std::string& written = options.output.empty() ? options.file : options.output;
  if (options.json) {
    fmt::print("{}", as_json(written, report));
    return 0;
  }
  fmt::print("{}  {}; room for {} more\n", printable(written), in_words(report.way), human_bytes(report.slack));
  show_note(report.save, options.json);
  return 0;
}

}  // namespace

void add_set_metadata(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("set-metadata", "Change what is in a file's __metadata__.");
  command.add_option("FILE", options->file, "The file").required();
  command.add_option("KEY=VALUE", options->assignments, "Entries to add or to replace");
  command.add_option("--remove", options->remove, "A key to remove; may be given several times");
  command.add_option("--from-json", options->from_json, "Entries from a file: a JSON object of strings");
  command.add_option("-o,--output", options->output, "Write the result there and leave FILE as it is");
  command.add_option("--slack", options->slack, "Spare bytes that the header is to have, for later edits in place");
  command.add_flag("--json", options->json, "Print one JSON object: file, way, slack, atomic, durable, note");
  command.footer(
      "Where the header has room, only the header is written, whatever the size of the file; else the file is copied,\n"
      "sharing the tensors' blocks on the disk where the file system can. A cancelled or failed edit changes nothing.\n"
      "Example: safelight set-metadata model.safetensors modelspec.title=Dusk modelspec.author=me --remove comment");
  command.callback([options, &status] { status = set_metadata(*options); });
}

}  // namespace safelight::cli

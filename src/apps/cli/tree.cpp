// safelight tree: what is in a file, as a tree.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>

#include "apps/cli/commands.h"
#include "apps/cli/tensor_tree.h"
#include "apps/cli/terminal.h"
#include "apps/cli/totals.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/safetensors.h"

namespace safelight::cli {
namespace {

constexpr std::size_t kLongestValue = 100;  // characters of a metadata value that are shown

struct Options {
  std::string file;
  std::size_t depth = 64;
  bool compat = false, json = false;
};

void append_metadata(std::string& out, const Metadata& metadata) {
  std::size_t width = 0;
  for (const auto& [key, value] : metadata) width = std::max(width, printable(key, kLongestValue).size());
  if (!metadata.empty()) out += "\nmetadata\n";
  for (const auto& [key, value] : metadata)
    fmt::format_to(std::back_inserter(out), "  {:{}}  {}\n", printable(key, kLongestValue), width,
                   printable(value, kLongestValue));
}

std::string as_text(const SafeTensors& file, std::size_t depth) {
  std::string out = fmt::format("{}  {}, header {}\n", printable(file.path().native()), human_bytes(file.file_bytes()),
                                human_bytes(file.header_bytes()));
  append_metadata(out, file.metadata());
  if (!file.tensors().empty()) out += "\ntensors\n" + tensor_tree(file.tensors(), depth, !speaks_utf8());
  return out + "\n" + totals_line(file.tensors()) + "\n";
}

std::string as_json(const SafeTensors& file, std::size_t depth) {
  return fmt::format(R"({{"file":{},"file_bytes":{},"header_bytes":{},"metadata":{},"tree":{},"totals":{}}})"
                     "\n",
                     json_string(file.path().native()), file.file_bytes(), file.header_bytes(),
                     metadata_json(file.metadata()), tensor_tree_json(file.tensors(), depth),
                     totals_json(file.tensors()));
}

int show(const Options& options) {
  const SafeTensors file = SafeTensors::open(options.file, options.compat ? Mode::compat : Mode::strict);
  fmt::print("{}", options.json ? as_json(file, options.depth) : as_text(file, options.depth));
  return 0;
}

}  // namespace

void add_tree(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "tree", "Show what is in a file: metadata, and its tensors as a tree with the size of each branch.");
  command->add_option("FILE", options->file, "The file")->required();
  command->add_option("--depth", options->depth, "Levels of the tree to show; deeper ones appear in the sums only")
      ->check(CLI::PositiveNumber);
  command->add_flag("--compat", options->compat,
                    "Open what the reference implementation opens, its accidents included");
  command->add_flag("--json", options->json, "One JSON object: file, metadata, tree (nested), totals");
  command->footer("Example: safelight tree --depth 2 model.safetensors");
  command->callback([options, &status] { status = show(*options); });
}

}  // namespace safelight::cli

// safelight tree: what is in a file, as a tree.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/tensor_tree.h"
#include "apps/cli/terminal.h"
#include "apps/cli/totals.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/safetensors.h"
#include "safelight/sharded.h"

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

// A file, or the shards of a model together.
struct Contents {
  std::filesystem::path path;
  std::size_t files = 0;
  std::uint64_t file_bytes = 0, header_bytes = 0;
  Metadata metadata;
  std::vector<TensorInfo> tensors;
};

Contents contents_of(const ShardedTensors& set) {
  Contents all{.path = set.path(), .files = set.shards().size(), .metadata = set.metadata(), .tensors = {}};
  for (const SafeTensors& file : set.shards()) {
    all.file_bytes += file.file_bytes();
    all.header_bytes += file.header_bytes();
    all.tensors.insert(all.tensors.end(), file.tensors().begin(), file.tensors().end());
  }
  return all;
}

std::string as_text(const Contents& all, std::size_t depth) {
  std::string out = fmt::format("{}  {}{}, header {}\n", printable(all.path.native()),
                                all.files == 1 ? "" : fmt::format("{} files, ", all.files), human_bytes(all.file_bytes),
                                human_bytes(all.header_bytes));
  append_metadata(out, all.metadata);
  if (!all.tensors.empty()) out += "\ntensors\n" + tensor_tree(all.tensors, depth, !speaks_utf8());
  return out + "\n" + totals_line(all.tensors) + "\n";
}

std::string as_json(const Contents& all, std::size_t depth) {
  return fmt::format(
      R"({{"file":{},"file_bytes":{},"header_bytes":{},"metadata":{},"shards":{},"tree":{},"totals":{}}})"
      "\n",
      json_string(all.path.native()), all.file_bytes, all.header_bytes, metadata_json(all.metadata), all.files,
      tensor_tree_json(all.tensors, depth), totals_json(all.tensors));
}

int show(const Options& options) {
  const OpenOptions open{.mode = options.compat ? Mode::compat : Mode::strict, .limits = {}};
  const Contents file = contents_of(ShardedTensors::open(options.file, {.open = open}));
  fmt::print("{}", options.json ? as_json(file, options.depth) : as_text(file, options.depth));
  return 0;
}

}  // namespace

void add_tree(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "tree", "Show what is in a file: metadata, and its tensors as a tree with the size of each branch.");
  command.add_option("FILE", options->file, "The file, an index of shards, or a folder of them").required();
  command.add_option("--depth", options->depth, "Levels of the tree to show; deeper ones appear in the sums only")
      .positive();
  command.add_flag("--compat", options->compat, "Open what the reference implementation opens, its accidents included");
  command.add_flag("--json", options->json, "One JSON object: file, metadata, shards, tree (nested), totals");
  command.footer("Example: safelight tree --depth 2 model.safetensors");
  command.callback([options, &status] { status = show(*options); });
}

}  // namespace safelight::cli

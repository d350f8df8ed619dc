// safelight ls: the tensors of a file, one line each.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/totals.h"
#include "core/glob.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/sharded.h"

namespace safelight::cli {
namespace {

constexpr std::size_t kLongestName = 200;  // characters shown
constexpr std::size_t kMostDimensions = 16;

struct Options {
  std::string file, sort = "name";
  std::vector<std::string> globs;
  bool reverse = false, exact = false, compat = false, json = false;
};

// Numbers within names sort as numbers: "blocks.2" before "blocks.10".
bool name_before(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto digits = [&](std::string_view text, std::size_t from) {
    std::size_t end = from;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end - from;
  };
  std::size_t i = 0;
  for (; i < a.size() && i < b.size(); ++i) {
    const bool begins_number = is_digit(a[i]) && is_digit(b[i]) && (i == 0 || !is_digit(a[i - 1]));
    if (begins_number && digits(a, i) != digits(b, i)) return digits(a, i) < digits(b, i);
    if (a[i] != b[i]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[i]);
  }
  return a.size() < b.size();
}

// The tensors that fit one of the patterns, or all without a pattern, in the order that was asked for.
std::vector<TensorInfo> selected(const ShardedTensors& files, const Options& options) {
  std::vector<TensorInfo> list;
  for (const ShardedTensors::Entry& t : files.tensors())
    if (options.globs.empty() || std::any_of(options.globs.begin(), options.globs.end(),
                                             [&](const std::string& glob) { return glob_match(glob, t.info->name); }))
      list.push_back(*t.info);
  // They come sorted by shard, then offset.
  if (options.sort == "name")
    std::stable_sort(list.begin(), list.end(),
                     [](const TensorInfo& a, const TensorInfo& b) { return name_before(a.name, b.name); });
  if (options.sort == "size")
    std::stable_sort(list.begin(), list.end(),
                     [](const TensorInfo& a, const TensorInfo& b) { return a.bytes() > b.bytes(); });
  if (options.reverse) std::reverse(list.begin(), list.end());
  return list;
}

// Columns whose widths few names and shapes can stretch: dtype, size, offsets, shape, and the name last.
std::string as_text(const std::vector<TensorInfo>& list, bool exact) {
  struct Row {
    std::string dtype, size, begin, end, shape;
  };
  std::vector<Row> rows;
  std::size_t dtype = 0, size = 0, offset = 0, shape = 0;
  for (const TensorInfo& t : list) {
    rows.push_back({std::string(name(t.dtype)), exact ? std::to_string(t.bytes()) : human_bytes(t.bytes()),
                    std::to_string(t.begin), std::to_string(t.end), shape_text(t.shape, kMostDimensions)});
    dtype = std::max(dtype, rows.back().dtype.size());
    size = std::max(size, rows.back().size.size());
    offset = std::max(offset, rows.back().end.size());
    shape = std::max(shape, rows.back().shape.size());
  }
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i)
    fmt::format_to(std::back_inserter(out), "{:{}}  {:>{}}  {:>{}} {:>{}}  {:{}}  {}\n", rows[i].dtype, dtype,
                   rows[i].size, size, rows[i].begin, offset, rows[i].end, offset, rows[i].shape, shape,
                   list[i].name.empty() ? "\"\"" : printable(list[i].name, kLongestName));
  return out + totals_line(list) + "\n";
}

// A tensor of a set of shards names its shard.
std::string as_json(const ShardedTensors& files, const std::vector<TensorInfo>& list) {
  const bool is_set = files.shards().size() != 1;
  std::uint64_t file_bytes = 0, header_bytes = 0;
  for (const SafeTensors& shard : files.shards()) {
    file_bytes += shard.file_bytes();
    header_bytes += shard.header_bytes();
  }
  std::string out =
      fmt::format(R"({{"file":{},"file_bytes":{},"header_bytes":{},"metadata":{},"shards":{},"tensors":[)",
                  json_string(files.path().native()), file_bytes, header_bytes, metadata_json(files.metadata()),
                  files.shards().size());
  const char* separator = "";
  for (const TensorInfo& t : list) {
    fmt::format_to(std::back_inserter(out),
                   R"({}{{"name":{},"dtype":"{}","shape":[{}],"data_offsets":[{},{}],"bytes":{}{}}})", separator,
                   json_string(t.name), name(t.dtype), fmt::join(t.shape, ","), t.begin, t.end, t.bytes(),
                   is_set ? ",\"shard\":" + json_string(files.find(t.name).shard->path().filename().native()) : "");
    separator = ",";
  }
  out += "],\"problems\":[";
  separator = "";
  for (const ShardProblem& problem : files.problems()) {
    out += fmt::format("{}{{\"rule\":{},\"detail\":{}}}", separator, json_string(problem.rule),
                       json_string(problem.detail));
    separator = ",";
  }
  return out + fmt::format("],\"totals\":{}}}\n", totals_json(list));
}

int list(const Options& options) {
  const OpenOptions open{.mode = options.compat ? Mode::compat : Mode::strict, .limits = {}};
  const ShardedTensors files = ShardedTensors::open(options.file, {.open = open, .tolerant = true});
  const std::vector<TensorInfo> tensors = selected(files, options);
  fmt::print("{}", options.json ? as_json(files, tensors) : as_text(tensors, options.exact));
  for (const ShardProblem& problem : files.problems())
    fmt::print(stderr, "safelight: warning: {}: {}\n", problem.rule, problem.detail);
  return options.globs.empty() || !tensors.empty() ? 0 : 1;
}

}  // namespace

void add_ls(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command =
      app.add_command("ls", "List the tensors of a file: type, size, where its bytes begin and end, shape, name.");
  command.add_option("FILE", options->file, "The file, an index of shards, or a folder of them").required();
  command.add_option("GLOB", options->globs, "Only names that fit one of these patterns: * ? [a-z]");
  command.add_option("--sort", options->sort, "name, size (largest first) or offset (as in the file)")
      .one_of({"name", "size", "offset"});
  command.add_flag("-r,--reverse", options->reverse, "The other way round");
  command.add_flag("--bytes", options->exact, "Sizes in bytes");
  command.add_flag("--compat", options->compat, "Open what the reference implementation opens, its accidents included");
  command.add_flag("--json", options->json, "One JSON object: file, metadata, shards, tensors, problems, totals");
  command.footer(
      "Offsets count from the end of the header. Exit code 1 if no tensor fits the patterns.\n"
      "Example: safelight ls model.safetensors '*.bias' --sort size");
  command.callback([options, &status] { status = list(*options); });
}

}  // namespace safelight::cli

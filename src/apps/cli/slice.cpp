// safelight slice: parts of tensors, read without the rest.
#include "safelight/slice.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/array_text.h"
#include "apps/cli/commands.h"
#include "apps/cli/selected_tensor.h"
#include "apps/cli/work_progress.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "format/foreign/npy.h"

namespace safelight::cli {
namespace {

struct Options {
  std::string file, output, npy, strategy = "automatic";
  std::vector<std::string> selections;
  bool json = false;
};

// The selections as tensors, in their order, and what reading them took.
struct Sliced {
  std::vector<NamedTensor> tensors;
  std::uint64_t bytes = 0, bytes_read = 0, reads = 0;
};

ReadStrategy strategy_named(const std::string& text) {
  for (const ReadStrategy strategy : {ReadStrategy::map, ReadStrategy::parallel, ReadStrategy::direct})
    if (name(strategy) == text) return strategy;
  return ReadStrategy::automatic;
}

// One pass per file.
Sliced read_selections(const ShardedTensors& set, const Options& options, const Context& context) {
  std::vector<SelectedTensor> selected;
  for (const std::string& text : options.selections) selected.push_back(select_tensor(set, text));
  Sliced result;
  result.tensors.resize(selected.size());
  for (const SafeTensors& shard : set.shards()) {
    std::vector<SlicePlan> plans;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < selected.size(); ++i) {
      if (selected[i].entry.shard != &shard) continue;
      plans.emplace_back(shard, selected[i].name, selected[i].slices);
      places.push_back(i);
    }
    if (plans.empty()) continue;
    ReadReport report;
    std::vector<Tensor> tensors =
        gather(shard, plans, {.strategy = strategy_named(options.strategy)}, context, &report);
    for (std::size_t i = 0; i < places.size(); ++i)
      result.tensors[places[i]] = {selected[places[i]].name, std::move(tensors[i])};
    result.bytes += report.bytes;
    result.bytes_read += report.bytes_read;
    result.reads += report.reads;
  }
  return result;
}

std::string as_json(const Options& options, const Sliced& sliced) {
  std::string out = fmt::format("{{\"file\":{},\"output\":{},\"tensors\":[", json_string(options.file),
                                json_string(options.npy.empty() ? options.output : options.npy));
  for (std::size_t i = 0; i < sliced.tensors.size(); ++i) {
    const auto& [name, tensor] = sliced.tensors[i];
    out += fmt::format("{}{{\"name\":{},\"selection\":{},\"dtype\":\"{}\",\"shape\":{},\"bytes\":{}}}", i ? "," : "",
                       json_string(name), json_string(options.selections[i]), safelight::name(tensor.dtype()),
                       to_string(tensor.shape()), tensor.bytes());
  }
  return out + fmt::format("],\"bytes\":{},\"bytes_read\":{},\"reads\":{}}}\n", sliced.bytes, sliced.bytes_read,
                           sliced.reads);
}

std::string as_text(const Options& options, const Sliced& sliced) {
  std::string out;
  for (std::size_t i = 0; i < sliced.tensors.size(); ++i) {
    const Tensor& tensor = sliced.tensors[i].tensor;
    out +=
        fmt::format("{}  {} {}\n", printable(options.selections[i]), name(tensor.dtype()), to_string(tensor.shape()));
    if (options.output.empty() && options.npy.empty()) out += array_text(tensor) + "\n";
  }
  const std::string& written = options.npy.empty() ? options.output : options.npy;
  if (!written.empty())
    out += fmt::format("{}  {}, for which {} were read\n", printable(written), human_bytes(sliced.bytes),
                       human_bytes(sliced.bytes_read));
  return out;
}

int slice_file(const Options& options) {
  if (!options.npy.empty() && options.selections.size() != 1)
    fail(ErrorCategory::usage, "[slice] --npy holds one array, but {} selections are given", options.selections.size());
  const ShardedTensors set = ShardedTensors::open(options.file);
  WorkProgress progress(options.json);
  const Sliced sliced = read_selections(set, options, progress.context());
  progress.clear();
  if (!options.output.empty()) save(options.output, sliced.tensors);
  if (!options.npy.empty()) foreign::write_npy(options.npy, sliced.tensors.front().tensor, sliced.tensors.front().name);
  fmt::print("{}", options.json ? as_json(options, sliced) : as_text(options, sliced));
  return 0;
}

}  // namespace

void add_slice(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command =
      app.add_command("slice", "Take parts of tensors, as NumPy's indexing does, reading only the bytes they need.");
  command.add_option("FILE", options->file, "The file, an index of shards, or a folder of them").required();
  command
      .add_option("SELECTION", options->selections,
                  "NAME[INDEX], such as 'w[0:10:2, ..., -1]'; NAME alone is all of the tensor")
      .required();
  const Option output = command.add_option("-o,--output", options->output, "Write them to this .safetensors file");
  command.add_option("--npy", options->npy, "Write the one selection to this NumPy file").excludes(output);
  command.add_option("--strategy", options->strategy, "How to read: automatic, map, parallel, direct")
      .one_of({"automatic", "map", "parallel", "direct"});
  command.add_flag("--json", options->json, "One JSON object: file, output, tensors, bytes, bytes_read, reads");
  command.footer(
      "Without -o or --npy the values are printed.\n"
      "Example: safelight slice model.safetensors 'embed.weight[:100, ::-1]' -o part.safetensors");
  command.callback([options, &status] { status = slice_file(*options); });
}

}  // namespace safelight::cli

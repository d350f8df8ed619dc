// safelight ls: what is in a file.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/tensor_tree.h"
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

// Elements of all tensors. Zero-size tensors aside, a file has at least half a byte per element, so that this fits.
std::uint64_t count_parameters(const SafeTensors& file) {
  std::uint64_t count = 0;
  for (const TensorInfo& t : file.tensors()) count += t.bytes() * 8 / static_cast<std::uint64_t>(bits(t.dtype));
  return count;
}

std::uint64_t count_bytes(const SafeTensors& file) {
  std::uint64_t count = 0;
  for (const TensorInfo& t : file.tensors()) count += t.bytes();
  return count;
}

void append_metadata(std::string& out, const Metadata& metadata) {
  std::size_t width = 0;
  for (const auto& [key, value] : metadata) width = std::max(width, printable(key, kLongestValue).size());
  if (!metadata.empty()) out += "\nmetadata\n";
  for (const auto& [key, value] : metadata)
    fmt::format_to(std::back_inserter(out), "  {:{}}  {}\n", printable(key, kLongestValue), width,
                   printable(value, kLongestValue));
}

// "660 tensors, 6,140,321 parameters, 12.3 MB: 12.2 MB F16, 64.0 KB F32"
std::string totals(const SafeTensors& file) {
  std::map<DType, std::uint64_t> by_dtype;
  for (const TensorInfo& t : file.tensors()) by_dtype[t.dtype] += t.bytes();
  std::vector<std::pair<std::uint64_t, DType>> sums;
  for (const auto& [dtype, bytes] : by_dtype) sums.emplace_back(bytes, dtype);
  std::sort(sums.rbegin(), sums.rend());
  std::vector<std::string> parts;
  for (const auto& [bytes, dtype] : sums) parts.push_back(human_bytes(bytes) + ' ' + std::string(name(dtype)));
  return fmt::format("{} tensors, {} parameters, {}{}{}", human_count(file.tensors().size()),
                     human_count(count_parameters(file)), human_bytes(count_bytes(file)), parts.empty() ? "" : ": ",
                     fmt::join(parts, ", "));
}

std::string as_text(const SafeTensors& file, std::size_t depth) {
  std::string out = fmt::format("{}  {}, header {}\n", printable(file.path().native()), human_bytes(file.file_bytes()),
                                human_bytes(file.header_bytes()));
  append_metadata(out, file.metadata());
  if (!file.tensors().empty()) out += "\ntensors\n" + tensor_tree(file.tensors(), depth);
  return out + "\n" + totals(file) + "\n";
}

std::string as_json(const SafeTensors& file) {
  std::string out = fmt::format("{{\"file\":{},\"file_bytes\":{},\"header_bytes\":{},\"metadata\":{{",
                                json_string(file.path().native()), file.file_bytes(), file.header_bytes());
  const char* separator = "";
  for (const auto& [key, value] : file.metadata()) {
    fmt::format_to(std::back_inserter(out), "{}{}:{}", separator, json_string(key), json_string(value));
    separator = ",";
  }
  out += "},\"tensors\":[";
  separator = "";
  for (const TensorInfo& t : file.tensors()) {
    fmt::format_to(std::back_inserter(out),
                   "{}{{\"name\":{},\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}],\"bytes\":{}}}", separator,
                   json_string(t.name), name(t.dtype), fmt::join(t.shape, ","), t.begin, t.end, t.bytes());
    separator = ",";
  }
  return out + fmt::format("],\"totals\":{{\"tensors\":{},\"parameters\":{},\"bytes\":{}}}}}\n", file.tensors().size(),
                           count_parameters(file), count_bytes(file));
}

int list(const Options& options) {
  const SafeTensors file = SafeTensors::open(options.file, options.compat ? Mode::compat : Mode::strict);
  fmt::print("{}", options.json ? as_json(file) : as_text(file, options.depth));
  return 0;
}

}  // namespace

void add_ls(CLI::App& app, int& status) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("ls", "Show what is in a file: metadata, and its tensors as a tree.");
  command->add_option("FILE", options->file, "The file")->required();
  command->add_option("--depth", options->depth, "Levels of the tree to show; deeper ones appear in the sums only")
      ->check(CLI::PositiveNumber);
  command->add_flag("--compat", options->compat,
                    "Open what the reference implementation opens, its accidents included");
  command->add_flag("--json", options->json, "Everything as one JSON object");
  command->footer("Example: safelight ls --depth 2 model.safetensors");
  command->callback([options, &status] { status = list(*options); });
}

}  // namespace safelight::cli

// safelight stat: what the values of tensors look like.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/arguments.h"
#include "apps/cli/commands.h"
#include "apps/cli/output_files.h"
#include "apps/cli/sparkline.h"
#include "apps/cli/stat_chart.h"
#include "apps/cli/terminal.h"
#include "apps/cli/totals.h"
#include "apps/cli/work_progress.h"
#include "arithmetic/name_selection.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/statistics.h"

namespace safelight::cli {
namespace {

constexpr int kSparkline = 32;
constexpr std::size_t kLongestName = 120;

struct Options {
  std::string file, png;
  std::vector<std::string> only, except;
  StatisticsOptions statistics;
  int threads = 0;
  bool json = false;
};

using Tensors = std::span<const ShardedTensors::Entry>;

std::string as_json(const Options& options, Tensors tensors, std::span<const Statistics> all) {
  std::string out = fmt::format(R"({{"file":{},"tensors":[)", json_string(options.file));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Statistics& s = all[i];
    fmt::format_to(std::back_inserter(out), R"({}{{"name":{},"dtype":"{}","shape":[{}],"elements":{},"numeric":{},)",
                   i ? "," : "", json_string(tensors[i].info->name), name(tensors[i].info->dtype),
                   fmt::join(tensors[i].info->shape, ","), s.elements, s.numeric);
    fmt::format_to(std::back_inserter(out),
                   R"("nans":{},"infinities":{},"zeros":{},"min":{},"max":{},"mean":{},"std":{},"histogram":[{}]}})",
                   s.nans, s.infinities, s.zeros, json_number(s.min), json_number(s.max), json_number(s.mean),
                   json_number(s.std), fmt::join(s.histogram, ","));
  }
  return out + "]}\n";
}

constexpr std::size_t kColumns = 9;
using Row = std::array<std::string, kColumns>;  // name, type, shape, then numbers, to the right

Row row_of(const TensorInfo& info, const Statistics& s) {
  Row row{printable(info.name, kLongestName), std::string(name(info.dtype)), shape_text(info.shape)};
  if (!s.numeric) return row;
  const std::array<double, 4> values{s.min, s.max, s.mean, s.std};
  for (std::size_t i = 0; i < values.size(); ++i) row[3 + i] = fmt::format("{:.4g}", values[i]);
  row[7] = human_count(static_cast<std::uint64_t>(s.zeros));
  row[8] =
      human_count(static_cast<std::uint64_t>(s.nans)) + "/" + human_count(static_cast<std::uint64_t>(s.infinities));
  return row;
}

std::string as_text(Tensors tensors, std::span<const Statistics> all, bool ascii) {
  std::vector<Row> rows{{"name", "type", "shape", "min", "max", "mean", "std", "zeros", "NaN/Inf"}};
  for (std::size_t i = 0; i < all.size(); ++i) rows.push_back(row_of(*tensors[i].info, all[i]));
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows)
    for (std::size_t c = 0; c < kColumns; ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::string padding(widths[c] - rows[r][c].size(), ' ');
      out += (c < 3 ? rows[r][c] + padding : padding + rows[r][c]) + "  ";
    }
    out += r == 0 ? "histogram" : sparkline(all[r - 1].histogram, kSparkline, ascii);
    out += "\n";
  }
  return out;
}

void write_chart(const Options& options, Tensors tensors, std::span<const Statistics> all) {
  std::vector<ChartEntry> entries;
  for (std::size_t i = 0; i < all.size(); ++i) entries.push_back({tensors[i].info, &all[i]});
  const std::string title = fmt::format("{}: {}", printable(std::filesystem::path(options.file).filename().native()),
                                        counted(entries.size(), "tensor"));
  write_png(options.png, stat_chart(title, entries));
}

int show_statistics(const Options& options) {
  if (!options.png.empty()) {
    const OutputFiles check(options.png, 1);
    if (picture_format(options.png) != PictureFormat::png)
      fail(ErrorCategory::usage, "[stat] expected a name ending in .png, found {}", printable(options.png));
  }
  const ShardedTensors files = ShardedTensors::open(options.file);
  const NameSelection selection(options.only, options.except);
  selection.check(files.tensors());
  std::vector<ShardedTensors::Entry> tensors;
  std::ranges::copy_if(files.tensors(), std::back_inserter(tensors),
                       [&](const ShardedTensors::Entry& t) { return selection.contains(t.info->name); });
  WorkProgress progress(options.json);
  const std::vector<Statistics> all = statistics(tensors, options.statistics, progress.context(options.threads));
  progress.clear();
  if (!options.png.empty()) write_chart(options, tensors, all);
  fmt::print("{}", options.json ? as_json(options, tensors, all) : as_text(tensors, all, !speaks_utf8()));
  return 0;
}

}  // namespace

void add_stat(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command =
      app.add_command("stat", "Show what the values of tensors look like: range, mean, spread, histogram.");
  command.add_option("FILE", options->file, "The file, or the folder or index of a set").required();
  command.add_option("NAMES", options->only, "Only tensors with names like this (* ? [a-z])");
  command.add_option("--except", options->except, "Not these; may be repeated");
  command.add_option("--bins", options->statistics.bins, "Parts of the histogram, 1 to 256").show_default();
  command.add_option("--png", options->png, "Also draw a page of histograms, a .png");
  add_threads_option(command, options->threads);
  command.add_flag("--json", options->json, "Print one JSON object");
  command.footer(
      "NaN and infinities are counted; all else is of the finite values. std divides by the number of values.\n"
      "Example: safelight stat model.safetensors \"*.attn2.to_v.weight\" --png values.png");
  command.callback([options, &status] { status = show_statistics(*options); });
}

}  // namespace safelight::cli

// safelight diff: how two files differ.
#include "safelight/diff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>
#include <string>

#include "apps/cli/arguments.h"
#include "apps/cli/commands.h"
#include "apps/cli/totals.h"
#include "apps/cli/work_progress.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

constexpr std::size_t kLongestName = 200, kLongestValue = 60;

struct Options {
  std::string a, b;
  DiffOptions diff;
  int threads = 0;
  bool json = false;
};

std::string side_json(const std::optional<TensorInfo>& info) {
  if (!info) return "null";
  return fmt::format(R"({{"dtype":"{}","shape":[{}]}})", name(info->dtype), fmt::join(info->shape, ","));
}

std::string numbers_json(const NumberDiff& n) {
  return fmt::format(R"({{"values":{},"differing":{},"unequal":{},"not_finite":{},"max_absolute":{},"at":{},)"
                     R"("max_relative":{},"rms":{},"cosine":{}}})",
                     n.values, n.differing, n.unequal, n.not_finite, json_number(n.max_absolute), n.at,
                     json_number(n.max_relative), json_number(n.rms), json_number(n.cosine));
}

std::string text_or_null(const std::optional<std::string>& text) { return text ? json_string(*text) : "null"; }

std::string as_json(const FileDiff& found) {
  std::string tensors, metadata;
  for (const TensorDiff& t : found.tensors)
    tensors += fmt::format(R"({}{{"name":{},"differs":{},"a":{},"b":{},"bytes_differ":{},"numbers":{}}})",
                           tensors.empty() ? "" : ",", json_string(t.name), t.differs, side_json(t.a), side_json(t.b),
                           t.bytes_differ, t.numbers ? numbers_json(*t.numbers) : "null");
  for (const MetadataDiff& m : found.metadata)
    metadata += fmt::format(R"({}{{"key":{},"a":{},"b":{}}})", metadata.empty() ? "" : ",", json_string(m.key),
                            text_or_null(m.a), text_or_null(m.b));
  return fmt::format(R"({{"differs":{},"compared":{},"same":{},"tensors":[{}],"metadata":[{}]}})"
                     "\n",
                     found.differs, found.compared, found.same, tensors, metadata);
}

std::string numbers_text(const NumberDiff& n) {
  std::string text = fmt::format(
      "{} of {} numbers differ, max {:.3g} at {}, relative {:.3g}, rms {:.3g}, cosine {:.9g}",
      human_count(static_cast<std::uint64_t>(n.differing)), human_count(static_cast<std::uint64_t>(n.values)),
      n.max_absolute, n.at, n.max_relative, n.rms, n.cosine);
  if (n.not_finite > 0)
    text += fmt::format(", NaN or infinite on one side: {}", human_count(static_cast<std::uint64_t>(n.not_finite)));
  return text;
}

// "- name": only in A; "+ name": only in B; "~ name": not the same; "= name": the same within the options.
std::string tensor_text(const TensorDiff& t) {
  const std::string shown = printable(t.name, kLongestName);
  if (!t.b) return fmt::format("- {}  {} {}\n", shown, name(t.a->dtype), shape_text(t.a->shape));
  if (!t.a) return fmt::format("+ {}  {} {}\n", shown, name(t.b->dtype), shape_text(t.b->shape));
  std::string text = fmt::format("{} {}", t.differs ? "~" : "=", shown);
  if (t.a->dtype != t.b->dtype) text += fmt::format("  {} | {}", name(t.a->dtype), name(t.b->dtype));
  if (t.a->shape != t.b->shape) text += fmt::format("  {} | {}", shape_text(t.a->shape), shape_text(t.b->shape));
  if (t.numbers) text += "  " + (t.numbers->unequal > 0 ? numbers_text(*t.numbers) : "the same numbers");
  if (t.bytes_differ) text += "  the bytes differ";
  return text + "\n";
}

std::string metadata_text(const MetadataDiff& m) {
  const auto shown = [](const std::optional<std::string>& text) {
    return text ? printable(*text, kLongestValue) : "nothing";
  };
  return fmt::format("metadata {}: {} | {}\n", printable(m.key, kLongestValue), shown(m.a), shown(m.b));
}

std::string as_text(const FileDiff& found) {
  std::string text;
  for (const TensorDiff& t : found.tensors) text += tensor_text(t);
  for (const MetadataDiff& m : found.metadata) text += metadata_text(m);
  return text + fmt::format("{}: {} in both, {} of them the same\n", found.differs ? "different" : "same",
                            counted(static_cast<std::uint64_t>(found.compared), "tensor"),
                            human_count(static_cast<std::uint64_t>(found.same)));
}

int diff_files(const Options& options) {
  WorkProgress progress(options.json);
  const FileDiff found = diff(ShardedTensors::open(options.a), ShardedTensors::open(options.b), options.diff,
                              progress.context(options.threads));
  progress.clear();
  fmt::print("{}", options.json ? as_json(found) : as_text(found));
  return found.differs ? 1 : 0;
}

}  // namespace

void add_diff(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  DiffOptions& diff = options->diff;
  Command command = app.add_command("diff", "Compare two files: tensors, types, shapes, metadata, and the numbers.");
  command.add_option("A", options->a, "A file, or the folder or index of a set").required();
  command.add_option("B", options->b, "The other").required();
  command.add_option("--tolerance", diff.tolerance, "Numbers at most this far apart are the same; 0 unless given");
  command.add_option("--relative", diff.relative, "The same in proportion to the larger of two numbers; adds to it");
  command.add_flag("--ignore-dtype", diff.ignore_dtype, "Another type with the same numbers is no difference");
  command.add_flag("--ignore-metadata", diff.ignore_metadata, "Other metadata is no difference");
  command.add_option("--only", diff.only, "Only tensors with names like this (* ? [a-z]); may be repeated");
  command.add_option("--except", diff.except, "Not these; may be repeated");
  add_threads_option(command, options->threads);
  command.add_flag("--json", options->json, "Print one JSON object");
  command.footer(
      "NaN equals NaN. Exit code 0 if the files are the same, 1 if they differ.\n"
      "Example: safelight diff model.safetensors half.safetensors --ignore-dtype --relative 0.001 --tolerance 1e-7");
  command.callback([options, &status] { status = diff_files(*options); });
}

}  // namespace safelight::cli

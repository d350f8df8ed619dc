// safelight merge: one model out of several.
#include "safelight/merge.h"

#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <memory>
#include <string>

#include "apps/cli/arguments.h"
#include "apps/cli/commands.h"
#include "apps/cli/save_note.h"
#include "apps/cli/totals.h"
#include "apps/cli/work_progress.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

constexpr double kRequired = std::numeric_limits<double>::quiet_NaN();

struct Options {
  std::string base, out, to, missing = "error";
  std::vector<std::string> sum, difference, loras;
  double amount = 1;
  MergeOptions merge;
  int threads = 0;
  bool has_amount = false, json = false;
};

void read_options(Options& o) {
  if (int(!o.base.empty()) + int(!o.sum.empty()) + int(!o.difference.empty()) != 1)
    fail(ErrorCategory::usage, "[merge] expected one of BASE, --sum and --add-difference");
  if (o.has_amount && o.difference.empty())
    fail(ErrorCategory::usage, "[merge] expected --add-difference beside --amount");
  if (!o.base.empty()) o.merge.terms = {{o.base, 1}};
  for (const std::string& text : o.sum) o.merge.terms.push_back(given_weight("sum", text, kRequired));
  if (!o.difference.empty())
    o.merge.terms = add_difference(o.difference[0], o.difference[1], o.difference[2], o.amount);
  for (const std::string& text : o.loras) o.merge.loras.push_back(given_weight("lora", text, 1));
  if (!o.to.empty()) o.merge.to = given_dtype("to", o.to);
  o.merge.keep_unpaired = o.missing == "keep";
}

std::string as_json(const Options& options, const MergeReport& report) {
  return fmt::format(R"({{"output":{},"tensors":{},"summed":{},"lora_modules":{},"kept":{},"left_out":{},)"
                     R"("unmatched":{},"overflowed":{},"vanished":{},"note":{}}})"
                     "\n",
                     json_string(options.out), report.tensors, report.summed, report.lora_modules,
                     texts_json(report.kept), texts_json(report.left_out), texts_json(report.unmatched),
                     report.losses.overflowed, report.losses.vanished, json_string(report.saved.note));
}

std::string as_text(const Options& options, const MergeReport& report) {
  const auto count = [](auto number) { return human_count(static_cast<std::uint64_t>(number)); };
  std::string text = fmt::format("{}  {}, {} summed", printable(options.out),
                                 counted(static_cast<std::uint64_t>(report.tensors), "tensor"), count(report.summed));
  if (report.lora_modules > 0)
    text += fmt::format(", {} folded in", counted(static_cast<std::uint64_t>(report.lora_modules), "LoRA module"));
  text += "\n";
  if (!report.kept.empty()) text += fmt::format("kept as the first file has them: {}\n", count(report.kept.size()));
  if (!report.left_out.empty())
    text += fmt::format("left out, not in the first file: {}\n", count(report.left_out.size()));
  for (const std::string& name : report.unmatched) text += fmt::format("skipped: {}\n", printable(name));
  if (report.losses.overflowed > 0)
    text += fmt::format("beyond the largest number of their type: {}\n", counted(report.losses.overflowed, "value"));
  return text;
}

int merge_files(Options& options) {
  read_options(options);
  WorkProgress progress(options.json);
  const MergeReport report = merge(options.out, options.merge, progress.context(options.threads));
  progress.clear();
  show_note(report.saved, options.json);
  fmt::print("{}", options.json ? as_json(options, report) : as_text(options, report));
  return 0;
}

}  // namespace

void add_merge(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("merge", "Make one model out of several, or fold LoRA files into one.");
  command.add_option("BASE", options->base, "The model that LoRA files are folded into: a file, or a set of shards");
  command.add_option("-o,--output", options->out, "Where the new file goes").required();
  command.add_option("--sum", options->sum, "FILE=WEIGHT for each file or set: the sum of weight * file")
      .several_values_each_time()
      .shown_as("FILE=W ...");
  command.add_option("--add-difference", options->difference, "A B C: a + (b - c) * amount")
      .values(3)
      .shown_as("A B C");
  const Option amount = command.add_option("--amount", options->amount, "Of the difference; 1 unless given");
  command.add_option("--lora", options->loras, "FILE=WEIGHT, or FILE; may be repeated, and added to a sum")
      .shown_as("FILE=W");
  command.add_option("--to", options->to, "Type of the result; without it, that of the first file");
  command
      .add_option("--missing", options->missing,
                  "Tensors that are not in every file with the same shape: error, or keep the first file's")
      .one_of({"error", "keep"});
  command.add_flag("--skip-unmatched", options->merge.skip_unmatched, "Go on without parts of a LoRA that fit nothing");
  add_threads_option(command, options->threads);
  command.add_flag("--json", options->json, "Print one JSON object");
  command.footer(
      "The first file gives names, types and metadata. Sums are made in double precision and rounded once.\n"
      "Example: safelight merge -o mix.safetensors --sum a.safetensors=0.3 b.safetensors=0.7\n"
      "         safelight merge model.safetensors -o styled.safetensors --lora style.safetensors=0.8");
  command.callback([options, amount, &status] {
    options->has_amount = amount.given();
    status = merge_files(*options);
  });
}

}  // namespace safelight::cli

// safelight repair: a sound file from one that is not.
#include "safelight/repair.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/totals.h"
#include "apps/cli/work_progress.h"
#include "core/fail.h"
#include "core/json_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

struct Options {
  std::string input, output, truncated = "refuse";
  bool dry_run = false, json = false;
};

std::string as_json(const Options& options, const RepairPlan& plan) {
  return fmt::format(
      R"({{"file":{},"output":{},"written":{},"repairable":{},"rule":{},"detail":{},"changes":{},"lost":{}}})"
      "\n",
      json_string(options.input), json_string(options.output), !options.dry_run, plan.verdict.valid,
      json_string(plan.verdict.rule), json_string(plan.verdict.detail), texts_json(plan.changes),
      texts_json(plan.lost));
}

std::string as_text(const Options& options, const RepairPlan& plan) {
  std::string out = plan.changes.empty() ? "the file is sound and aligned: nothing to repair\n" : "";
  for (const std::string& change : plan.changes) out += change + "\n";
  for (const std::string& lost : plan.lost) out += fmt::format("lost: {}\n", printable(lost, 200));
  return out + (options.dry_run ? "nothing was written\n" : fmt::format("written: {}\n", printable(options.output)));
}

int repair_file(const Options& options) {
  if (options.output.empty() && !options.dry_run) fail(ErrorCategory::usage, "[repair] expected -o FILE, or --dry-run");
  const RepairOptions how{.keep_complete = options.truncated == "keep-complete"};
  WorkProgress progress(options.json);
  const RepairPlan plan = options.dry_run ? plan_repair(options.input, how)
                                          : repair(options.input, options.output, how, progress.context());
  progress.clear();
  if (options.json)
    fmt::print("{}", as_json(options, plan));
  else if (plan.verdict.valid)
    fmt::print("{}", as_text(options, plan));
  else
    fmt::print("cannot be repaired: {}: {}\n", plan.verdict.rule, plan.verdict.detail);
  return plan.verdict.valid ? 0 : 1;
}

}  // namespace

void add_repair(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "repair",
      "Write a sound file from one that is not, if everything that was meant is there, and list the changes.");
  command.add_option("FILE", options->input, "The file to repair").required();
  command.add_option("-o,--output", options->output, "Where the sound file goes; may be FILE itself");
  command
      .add_option("--truncated", options->truncated,
                  "A file that is cut off: refuse, or keep-complete: keep the tensors that are there whole")
      .one_of({"refuse", "keep-complete"});
  command.add_flag("--dry-run", options->dry_run, "Only list what would change");
  command.add_flag("--json", options->json, "One JSON object: repairable, rule, detail, changes, lost");
  command.footer(
      "Bytes of tensors are copied, never made up. Exit code 4 if the file cannot be repaired (1 with --dry-run).\n"
      "Example: safelight repair broken.safetensors -o sound.safetensors");
  command.callback([options, &status] { status = repair_file(*options); });
}

}  // namespace safelight::cli

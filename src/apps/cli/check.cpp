// safelight check: the verdict on each file.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/error.h"
#include "safelight/repair.h"
#include "safelight/sharded.h"

namespace safelight::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  bool compat = false, json = false;
};

std::string line_for(const std::string& file, const Verdict& verdict, bool repairable, bool json) {
  if (json)
    return fmt::format("{{\"file\":{},\"valid\":{},\"rule\":{},\"detail\":{},\"repairable\":{}}}\n", json_string(file),
                       verdict.valid, json_string(verdict.rule), json_string(verdict.detail), repairable);
  if (verdict.valid) return fmt::format("ok       {}\n", printable(file));
  return fmt::format("invalid  {}: {}: {}{}\n", printable(file), verdict.rule, verdict.detail,
                     repairable ? "; 'safelight repair' can mend it" : "");
}

// Every problem of a set on a line of its own. Returns whether there is none.
bool check_set(const std::string& path, const Options& options) {
  std::vector<Verdict> verdicts;
  try {
    const OpenOptions open{.mode = options.compat ? Mode::compat : Mode::strict, .limits = {}};
    const ShardedTensors set = ShardedTensors::open(path, {.open = open, .tolerant = true});
    for (const ShardProblem& problem : set.problems())
      verdicts.push_back({.valid = false, .rule = problem.rule, .detail = problem.detail});
  } catch (const Error& e) {
    verdicts.push_back(
        {.valid = false, .rule = e.category() == ErrorCategory::io ? "io" : "index", .detail = e.what()});
  }
  const bool valid = verdicts.empty();
  if (valid) verdicts.push_back({.valid = true, .rule = "ok", .detail = {}});
  for (const Verdict& verdict : verdicts) fmt::print("{}", line_for(path, verdict, false, options.json));
  return valid;
}

int check_files(const Options& options) {
  bool all_valid = true, all_readable = true;
  for (const std::string& file : options.files) {
    std::error_code unknown;
    if (names_a_set(file) && std::filesystem::exists(file, unknown)) {
      all_valid = check_set(file, options) && all_valid;
      continue;
    }
    const Verdict verdict = check(file, options.compat ? Mode::compat : Mode::strict);
    const bool repairable = !verdict.valid && plan_repair(file).verdict.valid;
    all_valid = all_valid && verdict.valid;
    all_readable = all_readable && verdict.rule != "io";
    fmt::print("{}", line_for(file, verdict, repairable, options.json));
  }
  if (!all_readable) return exit_code(ErrorCategory::io);
  return all_valid ? 0 : 1;
}

}  // namespace

void add_check(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "check", "Say whether files are valid SafeTensors files, and if not, what they are, why, and what can be done.");
  command
      .add_option("FILE", options->files,
                  "Files to check; an index of shards, or a folder of them, with all its shards")
      .required();
  command.add_flag("--compat", options->compat, "Judge as the reference implementation does, its accidents included");
  command.add_flag("--json", options->json, "One JSON object per line: file, valid, rule, detail, repairable");
  command.footer(
      "Exit code 0 if every file is valid, 1 if any is not, 3 if any cannot be read.\n"
      "Example: safelight check model.safetensors lora.safetensors");
  command.callback([options, &status] { status = check_files(*options); });
}

}  // namespace safelight::cli

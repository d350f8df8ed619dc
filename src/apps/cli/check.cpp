// safelight check: the verdict on each file.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/checked_paths.h"
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

// Every problem of a set.
std::vector<Verdict> check_set(const std::string& path, Mode mode) {
  std::vector<Verdict> verdicts;
  try {
    const OpenOptions open{.mode = mode, .limits = {}};
    const ShardedTensors set = ShardedTensors::open(path, {.open = open, .tolerant = true});
    for (const ShardProblem& problem : set.problems())
      verdicts.push_back({.valid = false, .rule = problem.rule, .detail = problem.detail});
  } catch (const Error& e) {
    verdicts.push_back(
        {.valid = false, .rule = e.category() == ErrorCategory::io ? "io" : "index", .detail = e.what()});
  }
  if (verdicts.empty()) verdicts.push_back({.valid = true, .rule = "ok", .detail = {}});
  return verdicts;
}

// What is said of all files together.
struct Outcome {
  bool all_valid = true, all_readable = true;
};

void check_path(const std::string& path, const Options& options, Outcome& outcome) {
  const Mode mode = options.compat ? Mode::compat : Mode::strict;
  std::error_code unknown;
  const bool is_set = names_a_set(path) && std::filesystem::exists(path, unknown);
  for (const Verdict& verdict : is_set ? check_set(path, mode) : std::vector{check(path, mode)}) {
    const bool repairable = !is_set && !verdict.valid && plan_repair(path).verdict.valid;
    outcome.all_valid = outcome.all_valid && verdict.valid;
    outcome.all_readable = outcome.all_readable && verdict.rule != "io";
    fmt::print("{}", line_for(path, verdict, repairable, options.json));
  }
}

int check_files(const Options& options) {
  Outcome outcome;
  for (const std::string& file : options.files) {
    std::error_code unknown;
    std::vector<std::filesystem::path> paths;
    if (std::filesystem::is_directory(file, unknown)) paths = checked_paths(file);
    if (paths.empty()) paths.emplace_back(file);
    for (const std::filesystem::path& path : paths) check_path(path.native(), options, outcome);
  }
  if (!outcome.all_readable) return exit_code(ErrorCategory::io);
  return outcome.all_valid ? 0 : 1;
}

}  // namespace

void add_check(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "check", "Say whether files are valid SafeTensors files, and if not, what they are, why, and what can be done.");
  command
      .add_option("FILE", options->files,
                  "Files to check; an index of shards, with all of them; a folder, with all that is in it and below")
      .required();
  command.add_flag("--compat", options->compat, "Judge as the reference implementation does, its accidents included");
  command.add_flag("--json", options->json, "One JSON object per line: file, valid, rule, detail, repairable");
  command.footer(
      "Exit code 0 if every file is valid, 1 if any is not, 3 if any cannot be read.\n"
      "Example: safelight check model.safetensors ~/models/loras");
  command.callback([options, &status] { status = check_files(*options); });
}

}  // namespace safelight::cli

#include "apps/cli/edit_report.h"

#include <fmt/format.h>

#include <cstdio>

#include "apps/cli/arguments.h"
#include "apps/cli/save_note.h"
#include "apps/cli/work_progress.h"
#include "core/fail.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/content_hash.h"
#include "safelight/edit.h"
#include "tensor/byte_size.h"

namespace safelight::cli {

void add_edit_options(Command command, EditOptions& options, const std::string& output_help) {
  command.add_option("-o,--output", options.output, output_help);
  add_threads_option(command, options.threads);
  command.add_flag("--dry-run", options.dry_run, "Only say what would be written");
  command.add_flag("--compat", options.compat, "Open what the reference implementation opens, its accidents included");
  command.add_flag("--json", options.json, "Print one JSON object");
}

void check_output(const EditOptions& options) {
  if (options.output.empty() && !options.dry_run) fail(ErrorCategory::usage, "[output] expected -o, or --dry-run");
}

ShardedTensors open(const std::string& path, const EditOptions& options) {
  return ShardedTensors::open(path, {.open = {.mode = options.compat ? Mode::compat : Mode::strict, .limits = {}}});
}

std::uint64_t bytes_of(std::span<const PendingTensor> tensors) {
  std::uint64_t bytes = 0;
  for (const PendingTensor& t : tensors) bytes += byte_size(t.dtype, t.shape);
  return bytes;
}

void write(std::span<const PendingTensor> tensors, const Metadata& metadata, const EditOptions& options) {
  if (options.dry_run) return;
  WorkProgress progress(options.json);
  const SaveReport report =
      save(options.output, tensors, without_hashes(metadata),
           {.hashes = metadata.contains(std::string(kContentHashKey))}, progress.context(options.threads));
  progress.clear();
  show_note(report, options.json);
}

std::string outcome(const EditOptions& options) {
  return options.dry_run ? "nothing was written\n" : fmt::format("written: {}\n", printable(options.output));
}

std::string outcome_json(const EditOptions& options) {
  return fmt::format(R"("output":{},"written":{})", json_string(options.output), !options.dry_run);
}

}  // namespace safelight::cli

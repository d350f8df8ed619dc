// safelight cast: the same model in another floating type.
#include "safelight/cast.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "apps/cli/arguments.h"
#include "apps/cli/commands.h"
#include "apps/cli/save_note.h"
#include "apps/cli/work_progress.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

constexpr std::size_t kLossyShown = 10, kLongestName = 120;

struct Options {
  std::string in, out, to, from;
  CastOptions cast;
  int threads = 0;
  bool json = false;
};

std::string as_json(const Options& options, const CastReport& report) {
  std::string lossy;
  for (const CastReport::Lossy& t : report.lossy)
    lossy += fmt::format(R"({}{{"name":{},"overflowed":{},"vanished":{}}})", lossy.empty() ? "" : ",",
                         json_string(t.name), t.losses.overflowed, t.losses.vanished);
  return fmt::format(
      R"({{"file":{},"output":{},"to":"{}","tensors":{},"changed":{},"bytes_before":{},"bytes_after":{},)"
      R"("overflowed":{},"vanished":{},"lossy":[{}],"note":{}}})"
      "\n",
      json_string(options.in), json_string(options.out), name(options.cast.to), report.tensors, report.changed,
      report.bytes_before, report.bytes_after, report.losses.overflowed, report.losses.vanished, lossy,
      json_string(report.saved.note));
}

std::string as_text(const Options& options, const CastReport& report) {
  std::string text = fmt::format("{}  {} of {} cast to {}, {} -> {}\n", printable(options.out),
                                 human_count(static_cast<std::uint64_t>(report.changed)),
                                 counted(static_cast<std::uint64_t>(report.tensors), "tensor"), name(options.cast.to),
                                 human_bytes(report.bytes_before), human_bytes(report.bytes_after));
  if (report.lossy.empty()) return text;
  text += fmt::format("beyond the largest {}: {}; became zero: {}\n", name(options.cast.to),
                      human_count(report.losses.overflowed), human_count(report.losses.vanished));
  for (std::size_t i = 0; i < std::min(kLossyShown, report.lossy.size()); ++i) {
    const CastReport::Lossy& t = report.lossy[i];
    text += fmt::format("  {}  {} beyond, {} zero\n", printable(t.name, kLongestName), human_count(t.losses.overflowed),
                        human_count(t.losses.vanished));
  }
  if (report.lossy.size() > kLossyShown)
    text += fmt::format("  and {} more tensors; --json lists them\n", human_count(report.lossy.size() - kLossyShown));
  return text;
}

int cast_one(Options& options) {
  options.cast.to = given_dtype("to", options.to);
  if (!options.from.empty()) options.cast.from = given_dtype("from", options.from);
  WorkProgress progress(options.json);
  const CastReport report = cast_file(options.in, options.out, options.cast, progress.context(options.threads));
  progress.clear();
  show_note(report.saved, options.json);
  fmt::print("{}", options.json ? as_json(options, report) : as_text(options, report));
  return 0;
}

}  // namespace

void add_cast(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("cast", "Write a file with its tensors in another floating type.");
  command.add_option("FILE", options->in, "The file to read, or the folder or index of a set").required();
  command.add_option("-o,--output", options->out, "Where the new file goes; may be FILE itself").required();
  command.add_option("--to", options->to, "F64, F32, F16, BF16, F8_E4M3 or F8_E5M2").required();
  command.add_option("--from", options->from, "Only tensors of this type");
  command.add_option("--only", options->cast.only, "Only tensors with names like this (* ? [a-z]); may be repeated");
  command.add_option("--except", options->cast.except, "Not these; may be repeated");
  add_threads_option(command, options->threads);
  command.add_flag("--json", options->json, "Print one JSON object: what changed and what was lost");
  command.footer(
      "Values are rounded to nearest, ties to even, bit for bit as torch does. Integers stay as they are.\n"
      "Example: safelight cast model.safetensors -o half.safetensors --to F16 --except \"*norm*\"");
  command.callback([options, &status] { status = cast_one(*options); });
}

}  // namespace safelight::cli

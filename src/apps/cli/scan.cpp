// safelight scan: what loading a pickle would do.
#include "safelight/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/work_progress.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/error.h"

namespace safelight::cli {
namespace {

constexpr std::size_t kLongestName = 120;

struct Options {
  std::vector<std::string> files;
  bool json = false;
};

std::string as_json(const std::string& file, const ScanReport& report) {
  std::string findings;
  for (const ScanFinding& f : report.findings)
    findings += fmt::format(
        R"({}{{"verdict":"{}","opcode":{},"name":{},"why":{},"arguments":{},"member":{},"offset":{},"count":{}}})",
        findings.empty() ? "" : ",", name(f.verdict), json_string(f.opcode), json_string(f.name), json_string(f.why),
        json_string(f.arguments), json_string(f.member), f.offset, f.count);
  return fmt::format(R"({{"file":{},"verdict":"{}","kind":{},"pickles":{},"findings":[{}]}})"
                     "\n",
                     json_string(file), name(report.verdict), json_string(report.kind), report.pickles, findings);
}

// "  dangerous   REDUCE os.system('true') at byte 31 of archive/data.pkl: runs programs"
std::string line_for(const ScanFinding& f) {
  std::string line = fmt::format("  {:11} ", name(f.verdict));
  if (!f.opcode.empty()) line += f.opcode + ' ';
  line += printable(f.name, kLongestName) + f.arguments;
  if (f.count > 1) line += fmt::format(" {} times, first", human_count(f.count));
  line += fmt::format(" at byte {}", f.offset);
  if (!f.member.empty()) line += " of " + printable(f.member, kLongestName);
  if (!f.why.empty()) line += ": " + printable(f.why);
  return line + '\n';
}

std::string as_text(const std::string& file, const ScanReport& report) {
  std::string text = fmt::format("{:11} {}: {}, {} pickle{}\n", name(report.verdict), printable(file), report.kind,
                                 human_count(report.pickles), report.pickles == 1 ? "" : "s");
  for (const ScanFinding& f : report.findings) text += line_for(f);
  return text;
}

int scan_files(const Options& options) {
  ScanVerdict worst = ScanVerdict::clean;
  bool unreadable = false;
  WorkProgress progress(options.json);
  for (const std::string& file : options.files) {
    try {
      const ScanReport report = scan(file, progress.context());
      progress.clear();
      worst = std::max(worst, report.verdict);
      fmt::print("{}", options.json ? as_json(file, report) : as_text(file, report));
    } catch (const Error& e) {  // says nothing about the others
      if (e.category() != ErrorCategory::io) throw;
      progress.clear();
      unreadable = true;
      if (options.json) fmt::print("{{\"file\":{},\"error\":{}}}\n", json_string(file), json_string(e.what()));
      fmt::print(stderr, "safelight: {}\n", e.what());
    }
  }
  return unreadable && worst != ScanVerdict::dangerous ? exit_code(ErrorCategory::io) : static_cast<int>(worst);
}

}  // namespace

void add_scan(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "scan", "List everything that loading a pickle-based file would import or call, without loading it.");
  command.add_option("FILE", options->files, "Files to look into: .pt .pth .bin .ckpt .pkl .npy .npz, any zip archive")
      .required();
  command.add_flag(
      "--json", options->json,
      "One JSON object per line: file, verdict, kind, pickles, findings with their byte offsets; or file, error");
  command.footer(
      "Exit code 0 if all files are clean, 1 if one is suspicious, 2 if one is dangerous (or the arguments are "
      "wrong),\n"
      "3 if one cannot be read and none is dangerous.\n"
      "Example: safelight scan model.ckpt");
  command.callback([options, &status] { status = scan_files(*options); });
}

}  // namespace safelight::cli

// safelight header: the header as it stands in the file.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "apps/cli/commands.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/raw_header.h"
#include "safelight/safetensors.h"

namespace safelight::cli {
namespace {

struct Options {
  std::string file;
  bool raw = false, json = false;
};

std::string verdict_line(const Verdict& verdict) {
  return verdict.valid ? "ok" : fmt::format("{}: {}", verdict.rule, verdict.detail);
}

std::string as_text(const std::string& file, const RawHeader& header, const Verdict& verdict) {
  std::string out = fmt::format("{}  {}\n", printable(file), exact_bytes(header.file_bytes));
  out += fmt::format("[0, 8)  N, the length of the header: {}\n", exact_bytes(header.header_bytes));
  out += fmt::format("[8, {})  header: {} of JSON, {} of padding\n", 8 + header.text.size(),
                     exact_bytes(header.text.size() - header.padding), exact_bytes(header.padding));
  if (header.text.size() < header.header_bytes)
    out += fmt::format("         {} that N claims are not shown: the file does not have them, or N is absurd\n",
                       exact_bytes(header.header_bytes - header.text.size()));
  out += fmt::format("[{}, {})  data: {}", header.data_begin, header.file_bytes,
                     exact_bytes(header.file_bytes - header.data_begin));
  if (header.alignment > 0) out += fmt::format(", aligned to {}", header.alignment);
  out += "\nverdict: " + verdict_line(verdict) + "\n\n";
  return out + pretty_header(header.text);
}

std::string as_json(const std::string& file, const RawHeader& header, const Verdict& verdict) {
  return fmt::format(
      R"({{"file":{},"file_bytes":{},"header_bytes":{},"padding":{},"data_begin":{},"alignment":{},"rule":{},"detail":{},)"
      R"("text":{}}})"
      "\n",
      json_string(file), header.file_bytes, header.header_bytes, header.padding, header.data_begin, header.alignment,
      json_string(verdict.rule), json_string(verdict.detail), json_string(header.text));
}

int show(const Options& options) {
  const RawHeader header = read_raw_header(options.file);
  if (options.raw) {
    std::fwrite(header.text.data(), 1, header.text.size(), stdout);
    return 0;
  }
  const Verdict verdict = check(options.file);
  fmt::print("{}", options.json ? as_json(options.file, header, verdict) : as_text(options.file, header, verdict));
  return 0;
}

}  // namespace

void add_header(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "header", "Show the header of a file, sound or broken: where it lies, its padding, and its JSON.");
  command.add_option("FILE", options->file, "The file").required();
  command.add_flag("--raw", options->raw, "Nothing but the header's bytes, as they are in the file");
  command.add_flag("--json", options->json, "One JSON object: the same figures, and the header as \"text\"");
  command.footer("Example: safelight header --raw model.safetensors | jq keys");
  command.callback([options, &status] { status = show(*options); });
}

}  // namespace safelight::cli

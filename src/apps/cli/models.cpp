// safelight models: what is in the models folder.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/arguments.h"
#include "apps/cli/commands.h"
#include "apps/cli/model_text.h"
#include "apps/cli/named_model.h"
#include "apps/cli/work_progress.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "library/library.h"

namespace safelight::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> folders;
  std::string kind;
  int threads = 0;
  bool hash = false, json = false;
};

// What stands beside a model, in a word each: "config, preview".
std::string beside(const LibraryEntry& entry) {
  std::string text;
  std::string_view last;
  for (const Sidecar& sidecar : entry.found.sidecars) {
    if (sidecar.role == last) continue;
    text += (text.empty() ? "" : ", ") + std::string(sidecar.role);
    last = sidecar.role;
  }
  return text;
}

// A line below the name, indented to it.
std::string below(std::string_view mark, std::string_view text) { return fmt::format("\n{:24}{:2}{}", "", mark, text); }

// "Stable Diffusion 1 inpainting".
std::string base_text(const Recognition& found) {
  if (found.base.empty()) return "-";
  if (!found.family || found.task == ModelTask::generate) return found.base;
  return found.base + (found.task == ModelTask::inpaint ? " inpainting" : " edit");
}

std::string as_line(const LibraryEntry& entry, bool with_hashes) {
  const Recognition& found = entry.examined.recognition;
  std::string line = fmt::format("{:13} {:>8}  {:26}  {}", name(entry.kind()), human_bytes(entry.examined.bytes),
                                 base_text(found), printable(entry.title()));
  if (const std::string sidecars = beside(entry); !sidecars.empty()) line += fmt::format("  ({})", sidecars);
  if (const FileHashes& h = entry.hashes; with_hashes && !h.sha256.empty())
    line += below(
        "", fmt::format("AutoV1 {}, AutoV2 {}, AutoV3 {}", h.autov1, h.autov2, h.autov3.empty() ? "none" : h.autov3));
  if (!entry.problem().empty()) line += below("!", entry.problem());
  for (const std::string& note : found.notes) line += below("", note);
  return line + "\n";
}

std::string as_json(const LibraryEntry& entry) {
  Examined model = entry.examined;
  model.recognition.kind = entry.kind();
  model.problem = entry.problem();
  return fmt::format("{{\"name\":{},\"title\":{},\"path\":{},{},{}}}\n", json_string(entry.name()),
                     json_string(entry.title()), json_string(entry.path().native()), examined_json(entry.path(), model),
                     entry_json(entry));
}

std::vector<fs::path> folders_of(const Options& options) {
  if (!options.folders.empty()) return {options.folders.begin(), options.folders.end()};
  std::vector<fs::path> folders = model_folders();
  if (folders.empty())
    fail(ErrorCategory::io,
         "[models] there is no folder of models; name one, or set SAFELIGHT_MODELS, or make ./models or ~/models");
  return folders;
}

int list(const Options& options) {
  WorkProgress progress(options.json);
  const Context context = progress.context(options.threads);
  std::vector<LibraryEntry> entries = list_models(folders_of(options), context);
  if (const auto kind = parse_model_kind(options.kind))
    std::erase_if(entries, [&](const LibraryEntry& entry) { return entry.kind() != *kind; });
  if (options.hash) add_missing_hashes(entries, context);
  progress.clear();
  for (const LibraryEntry& entry : entries)
    fmt::print("{}", options.json ? as_json(entry) : as_line(entry, options.hash));
  return 0;
}

}  // namespace

void add_models(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "models", "List the models in a folder and below it: kind, size, family, name, and what lies beside each.");
  command.add_option("DIR", options->folders,
                     "Folders of A1111's web UI, of ComfyUI, or any other; without one, $SAFELIGHT_MODELS (several:\n"
                     "separated by \":\"), else ./models, else ~/models; and the folder of the shipped models");
  command.add_option("--kind", options->kind, "Only this kind").one_of(model_kind_names());
  command.add_flag("--hash", options->hash, "Compute the hashes that are not cached yet");
  add_threads_option(command, options->threads);
  command.add_flag("--json", options->json, "One JSON object per line");
  command.footer(
      "Folders that extra_model_paths.yaml names are searched, too. Broken files are listed with what is wrong.\n"
      "Each name can be given to -m.\n"
      "Example: safelight models ~/ComfyUI --kind lora");
  command.callback([options, &status] { status = list(*options); });
}

}  // namespace safelight::cli

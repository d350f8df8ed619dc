// safelight hash: the names by which programs and model sites know a file.
#include "safelight/hash.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/arguments.h"
#include "apps/cli/commands.h"
#include "apps/cli/work_progress.h"
#include "core/json_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  int threads = 0;
  bool no_cache = false, json = false;
};

std::string json_or_null(const std::string& hash) { return hash.empty() ? "null" : json_string(hash); }

std::string as_json(const std::string& file, const FileHashes& hashes) {
  return fmt::format(
      R"({{"file":{},"autov1":"{}","autov2":"{}","autov3":{},"sha256":"{}","data_sha256":{},"content":{}}})"
      "\n",
      json_string(file), hashes.autov1, hashes.autov2, json_or_null(hashes.autov3), hashes.sha256,
      json_or_null(hashes.data_sha256), json_or_null(hashes.content));
}

std::string as_text(const std::string& file, const FileHashes& hashes) {
  const auto line = [](const char* name, const std::string& hash) {
    return fmt::format("  {:12}{}\n", name, hash.empty() ? "none: not a SafeTensors file" : hash);
  };
  return printable(file) + "\n" + line("AutoV1", hashes.autov1) + line("AutoV2", hashes.autov2) +
         line("AutoV3", hashes.autov3) + line("SHA-256", hashes.sha256) + line("of the data", hashes.data_sha256) +
         line("content", hashes.content);
}

int hash_files(const Options& options) {
  WorkProgress progress(options.json);
  for (const std::string& file : options.files) {
    const FileHashes hashes = hash_file(file, {.cache = !options.no_cache}, progress.context(options.threads));
    progress.clear();
    fmt::print("{}", options.json ? as_json(file, hashes) : as_text(file, hashes));
  }
  return 0;
}

}  // namespace

void add_hash(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command =
      app.add_command("hash", "Show the hashes by which programs and model sites know a file, computed in one pass.");
  command.add_option("FILE", options->files, "Files to hash").required();
  add_threads_option(command, options->threads);
  command.add_flag("--no-cache", options->no_cache, "Compute them, whatever the cache knows, and do not keep them");
  command.add_flag("--json", options->json, "One JSON object per line");
  command.footer(
      "AutoV1, AutoV2: the model hashes of A1111, old and new. AutoV3: its LoRA hash, which an edit of the metadata "
      "does\n"
      "not change. Content: of the tensors, in whatever order they are. Results are cached by path, size and time (in "
      "$XDG_CACHE_HOME/safelight, or ~/.cache/safelight).\n"
      "Example: safelight hash model.safetensors");
  command.callback([options, &status] { status = hash_files(*options); });
}

}  // namespace safelight::cli

#include "apps/cli/replay_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "apps/cli/named_model.h"
#include "core/fail.h"
#include "core/printable.h"
#include "library/find.h"
#include "library/folder_kinds.h"
#include "library/quick_hash.h"
#include "models/checkpoint.h"
#include "safelight/hash.h"
#include "tasks/field_names.h"

namespace safelight::cli {
namespace {

namespace fs = std::filesystem;

fs::path model_path(const ModelChoice& choice, const ModelOfPicture& said, const Context& context) {
  if (!choice.model.empty()) return named_model(choice.model, context);
  if (said.hash.empty() && said.name.empty())
    fail(ErrorCategory::usage, "[model] the picture does not say which model it was made with; -m names one");
  // ComfyUI names files, on Windows with its separator.
  std::string name = said.name;
  std::ranges::replace(name, '\\', '/');
  try {
    return find_model_by_hash_or_name(said.hash, name, model_folders(), context);
  } catch (const Error& error) {
    if (error.category() == ErrorCategory::cancelled) throw;
    fail(error.category(), "{}; -m names one", error.what());
  }
}

// The file of this name, if it is there once, and is none of another format.
std::optional<fs::path> companion(const fs::path& model, const std::string& name, const Context& context) {
  std::error_code ignored;
  const fs::path beside = model.parent_path() / name;
  std::optional<fs::path> found;
  if (fs::path(name).filename() == name && fs::exists(beside, ignored) && !fs::equivalent(beside, model, ignored))
    found = beside;
  else
    found = find_companion(name, model_folders(), context);
  const bool is_ours = found && (found->extension() == ".safetensors" || found->extension() == ".json" ||
                                 fs::is_directory(*found, ignored));
  return is_ours ? found : std::nullopt;
}

void add_missing(std::vector<UnmetSetting>& unmet, std::string_view field, const std::string& name,
                 std::string_view option) {
  std::vector<std::string> folders;
  for (const fs::path& folder : model_folders()) folders.push_back(printable(folder.native()));
  unmet.push_back({std::string(field), name,
                   fmt::format("there is no one .safetensors file of this name in {}; {} names it",
                               fmt::join(folders, ", "), option)});
}

void compare_hash(std::string_view field, const std::string& said, const fs::path& file,
                  std::vector<UnmetSetting>& unmet, const Context& context) {
  if (has_hash(cached_hashes_of(file), lower_case(said))) return;  // as of a picture that was made here
  const FileHashes hashes = hash_file(file, {}, context);
  if (!has_hash(hashes, lower_case(said)))
    unmet.push_back({std::string(field), said, fmt::format("{} has {}", printable(file.native()), hashes.autov2)});
}

// Of the model, and of a VAE that was given or found by its name.
void compare_hashes(const ModelChoice& choice, const ModelOfPicture& said, std::vector<UnmetSetting>& unmet,
                    const Context& context) {
  const bool of_vae = !said.vae_hash.empty() && !choice.vae.empty();
  if (!said.vae_hash.empty() && said.vae.empty() && choice.vae.empty())
    unmet.push_back(
        {std::string(field::kVaeHash), said.vae_hash, "the picture does not name the VAE; --vae names one"});
  if (said.hash.empty() && !of_vae) return;
  CheckpointSources sources{.vae = choice.vae, .variant = choice.variant};
  sources.text_encoders.assign(choice.text_encoders.begin(), choice.text_encoders.end());
  const Checkpoint checkpoint = Checkpoint::open(choice.model, sources);
  if (!said.hash.empty()) compare_hash(field::kModelHash, said.hash, checkpoint.main_file(), unmet, context);
  if (of_vae) compare_hash(field::kVaeHash, said.vae_hash, checkpoint.vae_file(), unmet, context);
}

}  // namespace

void choose_model(ModelChoice& choice, const ModelOfPicture& said, std::vector<UnmetSetting>& unmet,
                  const Context& context) {
  const fs::path model = model_path(choice, said, context);
  choice.model = model;
  if (choice.vae.empty() && !said.vae.empty()) {
    if (const auto vae = companion(model, said.vae, context))
      choice.vae = *vae;
    else
      add_missing(unmet, field::kVae, said.vae, "--vae");
  }
  if (choice.text_encoders.empty())
    for (const std::string& name : said.text_encoders) {
      if (const auto encoder = companion(model, name, context))
        choice.text_encoders.push_back(*encoder);
      else
        add_missing(unmet, field::kTextEncoder, name, "--text-encoder");
    }
  if (choice.variant.empty()) choice.variant = said.variant;
  if (choice.prediction == ModelOptions{}.prediction && !said.prediction.empty()) choice.prediction = said.prediction;
  if (said.zero_terminal_snr && *said.zero_terminal_snr) choice.zero_terminal_snr = true;
  if (said.zero_terminal_snr && !*said.zero_terminal_snr)
    unmet.push_back({std::string(field::kZeroTerminalSnr), "false", "what the model's file says is taken"});
  compare_hashes(choice, said, unmet, context);
}

}  // namespace safelight::cli

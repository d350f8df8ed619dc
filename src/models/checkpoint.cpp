#include "models/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"
#include "core/printable.h"
#include "core/shown_path.h"
#include "format/residency.h"
#include "models/checkpoint_builder.h"
#include "models/checkpoint_state.h"
#include "models/component_config.h"
#include "models/component_files.h"
#include "models/part_folders.h"

namespace safelight {
namespace {

constexpr std::size_t kLongestName = 200;  // that a message shows

// How many characters two names have in common at their beginning.
std::size_t common_beginning(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// One file, an index of shards, or a folder with one of them. Error(usage) for a variant that it is not of.
ShardedTensors open_files(const std::filesystem::path& path, const std::string& variant) {
  std::error_code unknown;
  const bool is_folder = std::filesystem::is_directory(path, unknown);
  const std::vector<ComponentFile> files = is_folder ? component_files(path) : std::vector<ComponentFile>{};
  if (!files.empty()) {
    const ComponentFile& chosen = choose(files, path, variant);
    if (variant.empty() || chosen.variant == variant) return ShardedTensors::open(chosen.path);
  }
  if (!variant.empty())
    fail(ErrorCategory::usage, "[variant] {} is no folder with files of the variant {}", shown_path(path),
         printable(variant));
  return ShardedTensors::open(path);
}

}  // namespace

void Checkpoint::State::finish() {
  by_name.reserve(tensors.size());
  for (const TensorInfo& info : tensors) by_name.push_back(&info);
  std::ranges::sort(by_name, {}, &TensorInfo::name);
  const auto twice = std::ranges::adjacent_find(by_name, {}, &TensorInfo::name);
  if (twice == by_name.end()) return;
  const TensorInfo &one = **twice, &other = **std::next(twice);
  fail(ErrorCategory::model, "[model] expected one tensor {}, found {} in {} and {} in {}",
       printable(one.name, kLongestName), printable(names_in_files[index(one)], kLongestName),
       shown_path(file(one).path()), printable(names_in_files[index(other)], kLongestName),
       shown_path(file(other).path()));
}

Checkpoint::Checkpoint(const SafeTensors& file) {
  CheckpointBuilder builder(file.path());
  builder.add(ShardedTensors(file));
  *this = std::move(builder).build();
}

Checkpoint Checkpoint::open(const std::filesystem::path& path, const CheckpointSources& sources) {
  CheckpointBuilder builder(path, sources);
  if (has_part_folders(path)) {
    add_part_folders(builder, path, sources);
  } else {
    builder.add(open_files(path, sources.variant));
    std::error_code unknown;
    if (!std::filesystem::is_directory(path, unknown))
      builder.facts().said = said_beside(path, builder.facts().warnings);
  }
  const auto replace = [&builder](PartKind kind, const std::filesystem::path& by, std::string_view option) {
    const ShardedTensors files = open_files(by, {});
    const auto folder = component_folder(by);
    builder.replace(kind, files, folder ? read_component_config(*folder, kind, files) : ComponentConfig{}, option);
  };
  if (!sources.vae.empty()) replace(PartKind::vae, sources.vae, "vae");
  for (const std::filesystem::path& file : sources.text_encoders) replace(PartKind::text_encoder, file, "text-encoder");
  return std::move(builder).build();
}

std::span<const TensorInfo> Checkpoint::tensors() const noexcept { return state_->tensors; }

const TensorInfo* Checkpoint::find(std::string_view name) const noexcept {
  const auto at = std::ranges::lower_bound(state_->by_name, name, {}, &TensorInfo::name);
  return at != state_->by_name.end() && (*at)->name == name ? *at : nullptr;
}

std::span<const TensorInfo* const> Checkpoint::below(std::string_view prefix) const noexcept {
  const auto begin = std::ranges::lower_bound(state_->by_name, prefix, {}, &TensorInfo::name);
  const auto end = std::partition_point(begin, state_->by_name.end(),
                                        [&](const TensorInfo* info) { return info->name.starts_with(prefix); });
  return {begin, end};
}

Tensor Checkpoint::tensor(const TensorInfo& info) const { return state_->file(info).tensor(info); }

const Metadata& Checkpoint::metadata() const noexcept { return state_->metadata; }
const CheckpointFacts& Checkpoint::facts() const noexcept { return state_->facts; }
std::span<const SafeTensors> Checkpoint::files() const noexcept { return state_->files; }
const CheckpointSources& Checkpoint::sources() const noexcept { return state_->sources; }
const std::filesystem::path& Checkpoint::path() const noexcept { return state_->path; }

const std::string& Checkpoint::name_in_file(const TensorInfo& info) const noexcept {
  return state_->names_in_files[state_->index(info)];
}

std::string Checkpoint::where(std::string_view name) const {
  const TensorInfo* nearest = find(name);
  const bool found = nearest != nullptr;
  if (!found) {  // where its neighbours are
    const auto after = std::ranges::lower_bound(state_->by_name, name, {}, &TensorInfo::name);
    for (auto at = after == state_->by_name.begin() ? after : after - 1; at != state_->by_name.end() && at <= after;
         ++at)
      if (!nearest || common_beginning((*at)->name, name) > common_beginning(nearest->name, name)) nearest = *at;
  }
  if (!nearest) return fmt::format("{}: tensor {}", shown_path(path()), name);
  const std::string file = shown_path(state_->file(*nearest).path());
  if (name_in_file(*nearest) == nearest->name) return fmt::format("{}: tensor {}", file, name);
  if (!found) return fmt::format("{}: tensor {} (ldm's name for it)", file, name);
  return fmt::format("{}: tensor {} (here {})", file, printable(name_in_file(*nearest), kLongestName), name);
}

const std::filesystem::path& Checkpoint::main_file() const noexcept {
  const auto unet = below(kUnetPlace);
  const TensorInfo* first = find("model.diffusion_model.input_blocks.0.0.weight");
  if (!first && !unet.empty()) first = unet.front();
  if (first) return state_->file(*first).path();
  return state_->files.empty() ? path() : state_->files.front().path();
}

std::filesystem::path Checkpoint::vae_file() const {
  const auto vae = below(kVaePlace);
  return vae.empty() ? std::filesystem::path() : state_->file(*vae.front()).path();
}

std::string Checkpoint::name() const {
  const std::filesystem::path path = state_->path.has_filename() ? state_->path : state_->path.parent_path();
  const std::string name = path.filename();
  return name.substr(0, name.find(".safetensors"));  // of an index, too
}

std::uint64_t bytes_below(const Checkpoint& checkpoint, std::string_view prefix) {
  std::uint64_t sum = 0;
  for (const TensorInfo* info : checkpoint.below(prefix)) sum += info->bytes();
  return sum;
}

void release_pages(const Checkpoint& checkpoint, std::string_view prefix) {
  std::vector<std::vector<const TensorInfo*>> of_files(checkpoint.files().size());
  for (const TensorInfo* info : checkpoint.below(prefix))
    of_files[checkpoint.state_->file_of[checkpoint.state_->index(*info)]].push_back(info);
  for (std::size_t i = 0; i < of_files.size(); ++i) release_pages(checkpoint.files()[i], of_files[i]);
}

}  // namespace safelight

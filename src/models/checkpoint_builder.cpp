#include "models/checkpoint_builder.h"

#include <algorithm>
#include <map>

#include "core/fail.h"
#include "core/shown_path.h"
#include "models/checkpoint_state.h"
#include "models/recognise.h"

namespace safelight {
namespace {

constexpr std::string_view kLabel = "model.diffusion_model.label_emb.0.0.weight";

std::string_view name_of(PartKind kind) {
  switch (kind) {
    case PartKind::unet:
      return "UNet";
    case PartKind::vae:
      return "VAE";
    case PartKind::text_encoder:
      return "text encoder";
  }
  return "";
}

// What the files have of this kind. Error(model) if nothing: `who` wanted it.
std::vector<ModelPart> expect_parts(PartKind kind, const ShardedTensors& files, std::string_view who) {
  std::vector<ModelPart> parts = parts_of(files).parts;
  std::erase_if(parts, [kind](const ModelPart& part) { return part.kind != kind; });
  if (parts.empty()) {
    CheckpointBuilder whole(files.path());
    whole.add(files);
    const Recognition found = recognise(std::move(whole).build());
    fail(ErrorCategory::model, "[{}] {} is {} ({}); expected a {}", who, shown_path(files.path()), found.what,
         found.evidence, name_of(kind));
  }
  return parts;
}

}  // namespace

const ShardedTensors& CheckpointBuilder::keep(const ShardedTensors& files) { return kept_.emplace_back(files); }

void CheckpointBuilder::add_row(const ShardedTensors::Entry& entry, std::string name) {
  TensorInfo info = *entry.info;
  info.name = std::move(name);
  rows_.push_back({std::move(info), entry.info->name, entry.shard});
}

void CheckpointBuilder::add_rows(const ModelPart& part, const std::string& place) {
  for (const PartTensor& tensor : part.tensors) add_row(tensor.source, place + tensor.name);
}

void CheckpointBuilder::add(const ShardedTensors& files) {
  ModelParts found = parts_of(keep(files));
  rows_.reserve(rows_.size() + files.tensors().size());
  for (ModelPart& part : found.parts) {
    if (part.kind == PartKind::text_encoder)
      text_encoders_.push_back({std::move(part), {}});
    else
      add_rows(part, part.place);
  }
  for (const ShardedTensors::Entry& entry : found.rest) add_row(entry, entry.info->name);
  metadata_ = files.metadata();
}

void CheckpointBuilder::add(PartKind kind, const ShardedTensors& files, const ComponentConfig& config, int order) {
  ModelPart part = std::move(expect_parts(kind, keep(files), "model").front());
  if (kind == PartKind::unet) {
    metadata_ = files.metadata();
    facts_.latent_side = config.latent_side;
  }
  if (kind == PartKind::vae) facts_.latent_scale = config.latent_scale;
  if (kind != PartKind::text_encoder) return add_rows(part, part.place);
  part.place.clear();
  part.order = order;
  text_encoders_.push_back({std::move(part), config.text_activation});
}

void CheckpointBuilder::replace(PartKind kind, const ShardedTensors& files, const ComponentConfig& config,
                                std::string_view option) {
  for (ModelPart& part : expect_parts(kind, keep(files), option))
    replacements_.push_back({std::move(part), config, files.path(), std::string(option)});
}

void CheckpointBuilder::set_activation(const std::string& place, const std::optional<Activation>& activation) {
  facts_.text_activations.erase(place);
  if (activation) facts_.text_activations.emplace(place, *activation);
}

bool CheckpointBuilder::has_label_embedding() const {
  return std::ranges::any_of(rows_, [](const Row& row) { return row.info.name == kLabel; });
}

std::uint64_t CheckpointBuilder::context_width() const {
  for (const Row& row : rows_)
    if (row.info.name.starts_with(kUnetPlace) && row.info.name.ends_with(".attn2.to_k.weight") &&
        row.info.shape.size() >= 2)
      return row.info.shape[1];
  return 0;
}

// A UNet without a label embedding reads one encoder. One that has it is of XL: it reads the wider part of its context
// from the second, which also has a projection; the refiner reads that one alone.
std::string CheckpointBuilder::place_by_shape(const ModelPart& text_encoder) const {
  if (!has_label_embedding()) return std::string(kTextPlace);
  const std::uint64_t width = text_width(text_encoder), context = context_width();
  if (width == context) return std::string(kFirstTextPlace);
  const std::uint64_t rest = context - std::min(width, context);
  const bool second = width > rest || (width == rest && has_text_projection(text_encoder));
  return std::string(second ? kSecondTextPlace : kFirstTextPlace);
}

void CheckpointBuilder::place_text_encoders() {
  const bool has_first =
      std::ranges::any_of(text_encoders_, [](const auto& encoder) { return encoder.part.order == 0; });
  for (const auto& [part, activation] : text_encoders_) {
    std::string place = part.place;
    if (place.empty() && part.order >= 0 && has_label_embedding())
      place = part.order == 1 && has_first ? kSecondTextPlace : kFirstTextPlace;
    if (place.empty()) place = place_by_shape(part);
    add_rows(part, place);
    set_activation(place, activation);
  }
}

void CheckpointBuilder::place_replacements() {
  std::map<std::string, const Replacement*> placed;
  for (const Replacement& with : replacements_) {
    const std::string place = with.part.place.empty() || with.part.kind == PartKind::text_encoder
                                  ? place_by_shape(with.part)
                                  : with.part.place;
    const auto [there, is_new] = placed.emplace(place, &with);
    if (!is_new)
      fail(ErrorCategory::usage, "[{}] {} and {} are both for one place, which takes one {}", with.option,
           shown_path(there->second->file), shown_path(with.file), name_of(with.part.kind));
    std::erase_if(rows_, [&](const Row& row) { return row.info.name.starts_with(place); });
    if (with.part.kind == PartKind::text_encoder) set_activation(place, with.config.text_activation);
    if (with.part.kind == PartKind::vae) facts_.latent_scale = with.config.latent_scale;
  }
  for (const auto& [place, with] : placed) add_rows(with->part, place);
}

Checkpoint CheckpointBuilder::build() && {
  place_text_encoders();
  place_replacements();
  auto state = std::make_shared<Checkpoint::State>();
  std::map<const SafeTensors*, std::size_t> places;
  for (const ShardedTensors& files : kept_)  // in the order in which they came
    for (const SafeTensors& file : files.shards()) places.emplace(&file, places.size());
  std::ranges::stable_sort(rows_, {}, [&](const Row& row) { return std::pair(places.at(row.file), row.info.begin); });
  state->path = std::move(path_);
  state->sources = std::move(sources_);
  state->metadata = std::move(metadata_);
  state->facts = std::move(facts_);
  const SafeTensors* last = nullptr;
  for (Row& row : rows_) {
    if (row.file != last) state->files.push_back(*(last = row.file));
    state->add(std::move(row.info), std::move(row.name_in_file));
  }
  state->finish();
  return Checkpoint(std::move(state));
}

}  // namespace safelight

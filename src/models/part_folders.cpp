#include "models/part_folders.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>

#include "core/fail.h"
#include "core/printable.h"
#include "core/shown_path.h"
#include "models/component_files.h"
#include "models/config_file.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

// A size that a component's config.json and one of its tensors both tell.
struct SizeSaidTwice {
  std::string_view key, tensor;
  std::size_t axis;
};

constexpr std::array<SizeSaidTwice, 3> kUnetSizes{
    {{"in_channels", "conv_in.weight", 1},
     {"out_channels", "conv_out.weight", 0},
     {"cross_attention_dim", "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight", 1}}};
constexpr std::array<SizeSaidTwice, 2> kVaeSizes{
    {{"latent_channels", "decoder.conv_in.weight", 1}, {"in_channels", "encoder.conv_in.weight", 1}}};
constexpr std::array<SizeSaidTwice, 2> kTextSizes{
    {{"hidden_size", "text_model.embeddings.token_embedding.weight", 1},
     {"max_position_embeddings", "text_model.embeddings.position_embedding.weight", 0}}};

struct Component {
  std::string_view folder;
  PartKind kind;
  int order;  // of text encoders
  std::span<const SizeSaidTwice> sizes;
};

constexpr std::array<Component, 4> kComponents{{{"unet", PartKind::unet, -1, kUnetSizes},
                                                {"vae", PartKind::vae, -1, kVaeSizes},
                                                {"text_encoder", PartKind::text_encoder, 0, kTextSizes},
                                                {"text_encoder_2", PartKind::text_encoder, 1, kTextSizes}}};

void expect_sizes(const ConfigFile& config, const ShardedTensors& files, std::span<const SizeSaidTwice> sizes) {
  for (const auto& [key, tensor, axis] : sizes) {
    const TensorInfo* info = files.find(tensor).info;
    const auto said = info && axis < info->shape.size() ? config.number(key) : std::nullopt;
    if (said && *said != static_cast<double>(info->shape[axis]))
      fail(ErrorCategory::model, "[model] {}: tensor {} has a size of {}, but config.json says {} {}",
           shown_path(files.path()), tensor, info->shape[axis], key, *said);
  }
}

void read_unet_config(const ConfigFile& config, CheckpointFacts& facts) {
  constexpr double kMostLatents = 2048;
  const auto side = config.number("sample_size");
  if (!side) return;
  if (!(*side >= 1 && *side <= kMostLatents && *side == std::floor(*side)))
    config.reject("sample_size", fmt::format("is {}, expected a whole number from 1 to {}", *side, kMostLatents));
  facts.latent_side = static_cast<std::int64_t>(*side);
}

void read_vae_config(const ConfigFile& config, CheckpointFacts& facts) {
  constexpr double kLeast = 1e-3, kMost = 1e3;  // 0.13 to 1 in the field
  facts.latent_scale = config.number("scaling_factor");
  if (facts.latent_scale && !(*facts.latent_scale >= kLeast && *facts.latent_scale <= kMost))
    config.reject("scaling_factor", fmt::format("is {}, expected {} to {}", *facts.latent_scale, kLeast, kMost));
}

void read_text_config(const ConfigFile& config, int order, CheckpointFacts& facts) {
  const auto activation = config.text("hidden_act");
  if (activation && *activation != "quick_gelu" && *activation != "gelu")
    config.reject("hidden_act", fmt::format("is {}, expected quick_gelu or gelu", printable(*activation, 40)));
  facts.text_activation[static_cast<std::size_t>(order)] = activation;
}

void read_scheduler_config(const fs::path& folder, CheckpointFacts& facts) {
  const auto config = ConfigFile::read(folder / "scheduler" / "scheduler_config.json");
  if (!config) return;
  facts.zero_terminal_snr = config->flag("rescale_betas_zero_snr");
  const auto prediction = config->text("prediction_type");
  if (!prediction) return;
  if (*prediction != "epsilon" && *prediction != "v_prediction")
    config->reject("prediction_type",
                   fmt::format("is {}, expected epsilon or v_prediction", printable(*prediction, 40)));
  facts.prediction = *prediction == "epsilon" ? Prediction::noise : Prediction::v;
}

void read_config(const fs::path& folder, const Component& component, const ShardedTensors& files,
                 CheckpointFacts& facts) {
  const auto config = ConfigFile::read(folder / "config.json");
  if (!config) return;
  expect_sizes(*config, files, component.sizes);
  switch (component.kind) {
    case PartKind::unet:
      return read_unet_config(*config, facts);
    case PartKind::vae:
      return read_vae_config(*config, facts);
    case PartKind::text_encoder:
      return read_text_config(*config, component.order, facts);
  }
}

}  // namespace

bool has_part_folders(const fs::path& path) {
  std::error_code unknown;
  return fs::is_directory(path, unknown) &&
         (fs::exists(path / "model_index.json", unknown) || fs::is_directory(path / "unet", unknown));
}

void add_part_folders(CheckpointBuilder& builder, const fs::path& folder, const CheckpointSources& sources) {
  const std::string& variant = sources.variant;
  const auto index = ConfigFile::read(folder / "model_index.json");
  CheckpointFacts facts;
  if (index) facts.zeros_for_empty_prompt = index->flag("force_zeros_for_empty_prompt");
  bool any_of_variant = variant.empty(), any_unet = false;
  for (const Component& component : kComponents) {
    const fs::path place = folder / component.folder;
    std::error_code unknown;
    const bool left_out = index && index->is_null(component.folder);
    const bool replaced = component.kind == PartKind::vae && !sources.vae.empty();
    if (left_out || replaced || !fs::is_directory(place, unknown)) continue;
    const std::vector<ComponentFile> candidates = component_files(place);
    const ComponentFile& file = choose(candidates, place, variant);
    any_of_variant |= file.variant == variant;
    any_unet |= component.kind == PartKind::unet;
    const ShardedTensors files = ShardedTensors::open(file.path);
    read_config(place, component, files, facts);
    builder.add(component.kind, files, component.order);
  }
  if (!any_unet) fail(ErrorCategory::model, "[model] {} has no folder unet with a UNet", shown_path(folder));
  if (!any_of_variant)
    fail(ErrorCategory::usage, "[variant] {} has no files of the variant {}, only plain ones", shown_path(folder),
         printable(variant));
  read_scheduler_config(folder, facts);
  builder.set_facts(std::move(facts));
}

}  // namespace safelight

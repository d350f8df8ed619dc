#include "models/component_config.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>

#include "core/fail.h"
#include "core/printable.h"
#include "core/shown_path.h"
#include "models/config_file.h"

namespace safelight {
namespace {

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

void expect_sizes(const ConfigFile& config, const ShardedTensors& files, std::span<const SizeSaidTwice> sizes) {
  for (const auto& [key, tensor, axis] : sizes) {
    const TensorInfo* info = files.find(tensor).info;
    const auto said = info && axis < info->shape.size() ? config.number(key) : std::nullopt;
    if (said && *said != static_cast<double>(info->shape[axis]))
      fail(ErrorCategory::model, "[model] {}: tensor {} has a size of {}, but config.json says {} {}",
           shown_path(files.path()), tensor, info->shape[axis], key, *said);
  }
}

std::optional<std::int64_t> latent_side(const ConfigFile& config) {
  constexpr double kMostLatents = 2048;
  const auto side = config.number("sample_size");
  if (!side) return std::nullopt;
  if (!(*side >= 1 && *side <= kMostLatents && *side == std::floor(*side)))
    config.reject("sample_size", fmt::format("is {}, expected a whole number from 1 to {}", *side, kMostLatents));
  return static_cast<std::int64_t>(*side);
}

std::optional<double> latent_scale(const ConfigFile& config) {
  constexpr double kLeast = 1e-3, kMost = 1e3;  // 0.13 to 1 in the field
  const auto scale = config.number("scaling_factor");
  if (scale && !(*scale >= kLeast && *scale <= kMost))
    config.reject("scaling_factor", fmt::format("is {}, expected {} to {}", *scale, kLeast, kMost));
  return scale;
}

std::optional<Activation> text_activation(const ConfigFile& config) {
  const auto name = config.text("hidden_act");
  if (!name) return std::nullopt;
  if (*name == "quick_gelu") return Activation::quick_gelu;
  if (*name == "gelu") return Activation::gelu;
  config.reject("hidden_act", fmt::format("is {}, expected quick_gelu or gelu", printable(*name, 40)));
}

}  // namespace

ComponentConfig read_component_config(const std::filesystem::path& folder, PartKind kind, const ShardedTensors& files) {
  ComponentConfig said;
  const auto config = ConfigFile::read(folder / "config.json");
  if (!config) return said;
  switch (kind) {
    case PartKind::unet:
      expect_sizes(*config, files, kUnetSizes);
      said.latent_side = latent_side(*config);
      break;
    case PartKind::vae:
      expect_sizes(*config, files, kVaeSizes);
      said.latent_scale = latent_scale(*config);
      break;
    case PartKind::text_encoder:
      expect_sizes(*config, files, kTextSizes);
      said.text_activation = text_activation(*config);
      break;
  }
  return said;
}

}  // namespace safelight

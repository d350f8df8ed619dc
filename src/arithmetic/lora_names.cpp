#include "arithmetic/lora_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

namespace safelight {
namespace {

struct Renamed {
  std::string_view from, to;
};

// Takes `prefix` off, if it is there.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_end(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// Takes a number and the dot behind it.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && !take(text, ".")) return std::nullopt;
  return value;
}

std::string with_underscores(std::string_view path) {
  std::string result(path);
  std::ranges::replace(result, '.', '_');
  return result;
}

// Inside a residual block.
constexpr std::array<Renamed, 6> kResnet{{{"in_layers.0", "norm1"},
                                          {"in_layers.2", "conv1"},
                                          {"emb_layers.1", "time_emb_proj"},
                                          {"out_layers.0", "norm2"},
                                          {"out_layers.3", "conv2"},
                                          {"skip_connection", "conv_shortcut"}}};

// Outside the blocks.
constexpr std::array<Renamed, 7> kTrunk{{{"input_blocks.0.0", "conv_in"},
                                         {"time_embed.0", "time_embedding.linear_1"},
                                         {"time_embed.2", "time_embedding.linear_2"},
                                         {"label_emb.0.0", "add_embedding.linear_1"},
                                         {"label_emb.0.2", "add_embedding.linear_2"},
                                         {"out.0", "conv_norm_out"},
                                         {"out.2", "conv_out"}}};

std::optional<std::string> renamed(std::span<const Renamed> table, std::string_view name) {
  for (const Renamed& row : table)
    if (row.from == name) return std::string(row.to);
  return std::nullopt;
}

// The member `rest` of the block `place`: a residual block, or a transformer, whose members have the same names.
std::optional<std::string> resnet(const std::string& place, std::string_view rest) {
  const auto member = renamed(kResnet, rest);
  return member ? std::optional(place + "." + *member) : std::nullopt;
}
std::optional<std::string> transformer(const std::string& place, std::string_view rest) {
  return rest.empty() ? std::nullopt : std::optional(fmt::format("{}.{}", place, rest));
}

// Block 0 is the first convolution; then each level has two residual blocks and one that halves the size.
std::optional<std::string> input_block(int block, int part, std::string_view rest) {
  const int level = (block - 1) / 3, place = (block - 1) % 3;
  if (block < 1) return std::nullopt;
  if (place == 2) {
    if (part == 0 && rest == "op") return fmt::format("down_blocks.{}.downsamplers.0.conv", level);
    return std::nullopt;
  }
  if (part == 0) return resnet(fmt::format("down_blocks.{}.resnets.{}", level, place), rest);
  if (part == 1) return transformer(fmt::format("down_blocks.{}.attentions.{}", level, place), rest);
  return std::nullopt;
}

// Each level has three residual blocks; what doubles the size comes last in the third, behind the transformer if there
// is one.
std::optional<std::string> output_block(int block, int part, std::string_view rest) {
  const int level = block / 3, place = block % 3;
  if (part > 0 && rest == "conv") return fmt::format("up_blocks.{}.upsamplers.0.conv", level);
  if (part == 0) return resnet(fmt::format("up_blocks.{}.resnets.{}", level, place), rest);
  if (part == 1) return transformer(fmt::format("up_blocks.{}.attentions.{}", level, place), rest);
  return std::nullopt;
}

// Residual, transformer, residual.
std::optional<std::string> middle_block(int part, std::string_view rest) {
  if (part == 1) return transformer("mid_block.attentions.0", rest);
  if (part == 0 || part == 2) return resnet(fmt::format("mid_block.resnets.{}", part / 2), rest);
  return std::nullopt;
}

// OpenCLIP's layout: "transformer.resblocks.3.mlp.c_fc".
std::vector<LoraHome> open_clip_homes(std::string_view encoder, std::string_view module, bool stacked) {
  if (!take(module, "transformer.resblocks.")) return {};
  const auto layer = take_number(module);
  if (!layer) return {};
  const std::string base = fmt::format("{}_text_model_encoder_layers_{}_", encoder, *layer);
  if (stacked && module == "attn.in_proj_weight")
    return {{base + "self_attn_q_proj", 0, 3}, {base + "self_attn_k_proj", 1, 3}, {base + "self_attn_v_proj", 2, 3}};
  constexpr std::array<Renamed, 3> kMembers{
      {{"attn.out_proj", "self_attn_out_proj"}, {"mlp.c_fc", "mlp_fc1"}, {"mlp.c_proj", "mlp_fc2"}}};
  const auto member = renamed(kMembers, module);
  return member ? std::vector<LoraHome>{{base + *member}} : std::vector<LoraHome>{};
}

// CLIP's layout; old files lack the level "text_model".
std::vector<LoraHome> clip_homes(std::string_view encoder, std::string_view module) {
  take(module, "text_model.");
  return {{fmt::format("{}_text_model_{}", encoder, with_underscores(module))}};
}

std::vector<LoraHome> text_encoder_homes(std::string_view module, bool stacked) {
  struct Place {
    std::string_view prefix, encoder;
    bool open_clip;
  };
  constexpr std::array<Place, 7> kPlaces{{{"cond_stage_model.transformer.", "te1", false},
                                          {"cond_stage_model.model.", "te1", true},
                                          {"conditioner.embedders.0.transformer.", "te1", false},
                                          {"conditioner.embedders.0.model.", "te1", true},
                                          {"conditioner.embedders.1.model.", "te2", true},
                                          {"text_encoder.", "te1", false},
                                          {"text_encoder_2.", "te2", false}}};
  for (const Place& place : kPlaces)
    if (take(module, place.prefix))
      return place.open_clip ? open_clip_homes(place.encoder, module, stacked) : clip_homes(place.encoder, module);
  return module.starts_with("text_model.") ? clip_homes("te1", module) : std::vector<LoraHome>{};
}

bool names_a_diffusers_unet(std::string_view module) {
  constexpr std::array<std::string_view, 7> kBeginnings{"down_blocks.", "up_blocks.",      "mid_block.",    "conv_in",
                                                        "conv_out",     "time_embedding.", "add_embedding."};
  return std::ranges::any_of(kBeginnings, [&](std::string_view b) { return module.starts_with(b); });
}

struct Suffix {
  std::string_view text;
  LoraRole role;
};

constexpr std::array<Suffix, 12> kSuffixes{{{".lora_up.weight", LoraRole::up},
                                            {".lora_down.weight", LoraRole::down},
                                            {".lora_mid.weight", LoraRole::mid},
                                            {".alpha", LoraRole::alpha},
                                            {".lora_B.weight", LoraRole::up},
                                            {".lora_A.weight", LoraRole::down},
                                            {".lora_B.default.weight", LoraRole::up},
                                            {".lora_A.default.weight", LoraRole::down},
                                            {".lora_linear_layer.up.weight", LoraRole::up},
                                            {".lora_linear_layer.down.weight", LoraRole::down},
                                            {"lora.up.weight", LoraRole::up},
                                            {"lora.down.weight", LoraRole::down}}};

// The key of a module's name in a LoRA file, without the suffix.
std::optional<std::string> module_key(std::string_view module) {
  constexpr std::array<Renamed, 7> kPrefixes{{{"lora_unet_", "unet_"},
                                              {"lora_te_", "te1_"},
                                              {"lora_te1_", "te1_"},
                                              {"lora_te2_", "te2_"},
                                              {"unet.", "unet_"},
                                              {"text_encoder.", "te1_"},
                                              {"text_encoder_2.", "te2_"}}};
  take(module, "base_model.model.");
  for (const Renamed& prefix : kPrefixes)
    if (take(module, prefix.from)) return std::string(prefix.to) + with_underscores(module);
  if (take(module, "diffusion_model.") || names_a_diffusers_unet(module)) return "unet_" + with_underscores(module);
  if (module.starts_with("text_model.")) return "te1_" + with_underscores(module);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> diffusers_unet_module(std::string_view module) {
  if (auto name = renamed(kTrunk, module)) return name;
  const bool input = take(module, "input_blocks."), output = !input && take(module, "output_blocks.");
  if (!input && !output) {
    if (!take(module, "middle_block.")) return std::nullopt;
    const auto part = take_number(module);
    return part ? middle_block(*part, module) : std::nullopt;
  }
  const auto block = take_number(module);
  const auto part = block ? take_number(module) : std::nullopt;
  if (!part) return std::nullopt;
  return input ? input_block(*block, *part, module) : output_block(*block, *part, module);
}

std::vector<LoraHome> lora_homes(std::string_view name) {
  const bool stacked = name.ends_with(".attn.in_proj_weight");
  if (!stacked && !take_end(name, ".weight")) return {};
  if (take(name, "model.diffusion_model.")) {
    std::vector<LoraHome> homes{{"unet_" + with_underscores(name)}};
    if (const auto module = diffusers_unet_module(name)) homes.push_back({"unet_" + with_underscores(*module)});
    return homes;
  }
  if (take(name, "unet.") || names_a_diffusers_unet(name)) return {{"unet_" + with_underscores(name)}};
  return text_encoder_homes(name, stacked);
}

std::optional<LoraName> parse_lora_name(std::string_view name) {
  for (const Suffix& suffix : kSuffixes) {
    std::string_view module = name;
    if (!take_end(module, suffix.text)) continue;
    std::string without_processor;
    // An older form names the matrix behind the attention's "processor": attn1.processor.to_out_lora.up.weight.
    if (suffix.text.starts_with("lora.")) {
      if (!take_end(module, "_") && !take_end(module, ".")) return std::nullopt;
      if (const std::size_t at = module.find(".processor."); at != std::string_view::npos) {
        without_processor = fmt::format("{}.{}", module.substr(0, at), module.substr(at + 11));
        if (without_processor.ends_with(".to_out")) without_processor += ".0";
        module = without_processor;
      }
    }
    auto key = module_key(module);
    return key ? std::optional(LoraName{std::move(*key), suffix.role}) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace safelight

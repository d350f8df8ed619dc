#include "arithmetic/lora_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "arithmetic/unet_names.h"
#include "core/take.h"

namespace safelight {
namespace {

struct Renamed {
  std::string_view from, to;
};

std::string with_underscores(std::string_view path) {
  std::string result(path);
  std::ranges::replace(result, '.', '_');
  return result;
}

std::optional<std::string> renamed(std::span<const Renamed> table, std::string_view name) {
  for (const Renamed& row : table)
    if (row.from == name) return std::string(row.to);
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

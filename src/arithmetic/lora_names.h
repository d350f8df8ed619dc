// The names of LoRA files, and which weight of a checkpoint each means.
//
// A LoRA file names modules in the way of diffusers, and joins the parts with underscores (kohya's scripts) or dots
// (diffusers, peft); some name the UNet's modules as the single-file (ldm) layout does. Here every module has one key:
//
//   unet_down_blocks_0_attentions_0_proj_in       the UNet
//   te1_text_model_encoder_layers_0_mlp_fc1       the text encoder; te2: the second one
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace safelight {

enum class LoraRole { up, down, mid, alpha };

struct LoraName {
  std::string module;  // the key
  LoraRole role;
};

// What a tensor of a LoRA file is, or nothing: another kind of adapter (LoHa, LoKr, DoRA's scales, ...).
std::optional<LoraName> parse_lora_name(std::string_view name);

// A module that is stored in a tensor of a checkpoint, or, with `parts` above 1, in part `part` of its rows.
struct LoraHome {
  std::string module;
  int part = 0, parts = 1;
};

// The modules that the checkpoint's tensor `name` can be called by: several names of one, or, in the text encoders of
// OpenCLIP's layout, three in one tensor (query, key, value). Empty if it is no weight of UNet or text encoder.
// Knows the single-file layout of SD 1.x, 2.x and XL (two residual blocks in each level), and diffusers'.
std::vector<LoraHome> lora_homes(std::string_view name);

}  // namespace safelight

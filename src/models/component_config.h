// What the config.json of one of diffusers' components says, and its tensors do not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "models/model_parts.h"
#include "ops/epilogue.h"
#include "safelight/sharded.h"

namespace safelight {

// What it does not say, or where there is none, is empty.
struct ComponentConfig {
  std::optional<double> latent_scale{};         // of a VAE: scaling_factor
  std::optional<std::int64_t> latent_side{};    // of a UNet: sample_size, in latent pixels
  std::optional<Activation> text_activation{};  // of a text encoder: hidden_act
};

// Of the component whose files these are, in `folder`. Throws what ConfigFile throws, Error(format) for a value that
// makes no sense, Error(model) for a size that is not that of the tensors.
ComponentConfig read_component_config(const std::filesystem::path& folder, PartKind kind, const ShardedTensors& files);

}  // namespace safelight

// Models as diffusers writes them: a folder with one network in each of its own.
//
//   model_index.json                  {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "..."], ...}
//   unet/diffusion_pytorch_model.safetensors       or in shards with an index, or as *.fp16.safetensors
//   text_encoder/model.safetensors
//   vae/diffusion_pytorch_model.safetensors
//   scheduler/scheduler_config.json   {"prediction_type": "epsilon", ...}
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/inventory.h"

namespace safelight {

// The tensors of such a folder, under their names behind that of their folder ("unet.conv_in.weight").
struct DiffusersFolder {
  std::string pipeline{};  // "StableDiffusionPipeline"
  std::vector<TensorInfo> tensors{};
  std::uint64_t bytes = 0;  // of the files that were chosen
  Metadata metadata{};
  std::optional<SaidPrediction> said{};
  std::vector<std::string> notes{};  // what is there but cannot be used: pickles, broken files
};

bool is_diffusers_folder(const std::filesystem::path& folder);

// Throws Error(io), Error(limit), Error(format) if model_index.json cannot be read or is no JSON object.
DiffusersFolder open_diffusers_folder(const std::filesystem::path& folder);

}  // namespace safelight

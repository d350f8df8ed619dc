// A model as diffusers saves it: a folder with one folder for each of its parts.
//
//   model_index.json                  which parts there are
//   unet/ vae/                        config.json, diffusion_pytorch_model.safetensors
//   text_encoder/ text_encoder_2/     config.json, model.safetensors
//   scheduler/                        scheduler_config.json
#pragma once

#include <filesystem>
#include <string>

#include "models/checkpoint_builder.h"

namespace safelight {

// Is it a folder with a model_index.json, or one with a folder unet?
bool has_part_folders(const std::filesystem::path& path);

// Adds what is in the folder: its UNet, without which it is no model, and of the others what is there; not its VAE if
// there is another. A part that has no files of the variant comes from its plain ones, but Error(usage) if that is so
// for all.
// Error(model) for a part without files or whose configuration contradicts its tensors, Error(format) for a
// configuration that is not one.
void add_part_folders(CheckpointBuilder& builder, const std::filesystem::path& folder,
                      const CheckpointSources& sources);

}  // namespace safelight

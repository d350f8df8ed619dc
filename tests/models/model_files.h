// One random Stable Diffusion 1 model, small and quick, written out in the ways in which people have one.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "safelight/safetensors.h"

namespace safelight::test {

// What a file calls the tensor with this ldm name; nothing if it is not in the file.
using NameInFile = std::function<std::optional<std::string>(const std::string& ldm)>;

// As diffusers and transformers name them, by tests/data/models/diffusers_names.txt.
NameInFile unet_of_diffusers();
NameInFile vae_of_diffusers();
NameInFile text_encoder_of_transformers();

// Those that begin with `from`, which becomes `to`.
NameInFile renamed(const std::string& from, const std::string& to);
// All that do not begin so, as they are.
NameInFile all_but(const std::string& prefix);

// The model in one file of ldm's layout, in memory; the same with the vocabulary that pictures take.
const SafeTensors& small_model();
const SafeTensors& drawing_model();

// Its tensors that have a name, in one file; in two, with the index "STEM.safetensors.index.VARIANT.json".
void write_part(const std::filesystem::path& path, const NameInFile& name, const SafeTensors& model = small_model());
void write_shards(const std::filesystem::path& folder, const std::string& stem, const std::string& variant,
                  const NameInFile& name, const SafeTensors& model = small_model());

// As diffusers saves it: model_index.json, unet/, vae/, text_encoder/, scheduler/, with config files.
void write_diffusers_folder(const std::filesystem::path& folder, const SafeTensors& model = small_model());

}  // namespace safelight::test

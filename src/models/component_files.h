// Which of the files in a component's folder holds its tensors.
//
//   diffusion_pytorch_model.safetensors                 model.fp16.safetensors                 one file; of a variant
//   diffusion_pytorch_model.safetensors.index.json      model.safetensors.index.fp16.json      shards, by their index
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace safelight {

struct ComponentFile {
  std::filesystem::path path;  // a .safetensors file, or an index
  std::string variant;         // empty: the plain one
};

// All that could be it, by name; shards are known by their index. Of one file and an index of the same variant, the
// file. Error(io) if the folder cannot be listed; Error(model) if there are several models' files in it.
std::vector<ComponentFile> component_files(const std::filesystem::path& folder);

// The folder whose config.json is that of the component at `path`: the folder itself, or that of a file or index under
// a name that diffusers or transformers give it; nothing for files of other names, beside which anything may lie.
std::optional<std::filesystem::path> component_folder(const std::filesystem::path& path);

// The one of this variant, else the plain one, else, if it is the only one, that. Error(model) if there is none, naming
// the variants that there are, or the files of other formats.
const ComponentFile& choose(const std::vector<ComponentFile>& files, const std::filesystem::path& folder,
                            std::string_view variant);

}  // namespace safelight

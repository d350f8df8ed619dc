// What lies beside a model and belongs to it.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace safelight {

// One file beside `name.safetensors`: `role` is config (name.yaml), vae (name.vae.safetensors), preview
// (name.preview.png, name.png, name.jpg, ...), description (name.txt) or metadata (name.json, name.civitai.info, ...).
struct Sidecar {
  std::string_view role;
  std::filesystem::path path;
};

// Those of the model `file_name`, among the sorted names of its folder; in the order of the roles above, and among
// previews the one first that programs show.
std::vector<Sidecar> find_sidecars(const std::filesystem::path& folder, std::string_view file_name,
                                   std::span<const std::string> names);

// Whether a file is the VAE of a model beside it ("x.vae.safetensors" beside "x.safetensors"), and no model of its own.
bool is_vae_beside_model(std::string_view file_name, std::span<const std::string> names);

// "x" of "folder/x.safetensors"; "x.v1" of "x.v1.ckpt".
std::string stem_of(std::string_view file_name);

}  // namespace safelight

// ComfyUI's extra_model_paths.yaml: folders of models that lie elsewhere.
//
//   a1111:                          a section for each program
//     base_path: /data/webui/       what the paths begin with
//     checkpoints: models/Stable-diffusion
//     loras: |                      one path, or one in each line
//       models/Lora
//       models/LyCORIS
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/recognise.h"

namespace safelight {

struct ModelPath {
  std::string section, key;  // "a1111", "loras"
  std::filesystem::path folder;
  std::optional<ModelKind> kind{};  // by the key
};

// Those of sections with is_default first, otherwise in the order of the file; `custom_nodes` and `configs` hold no
// models and are left out. Relative paths count from the file's folder; "~" is $HOME. Throws what reading and parsing
// throw, Error(format) if it is not made of sections.
std::vector<ModelPath> read_model_paths(const std::filesystem::path& yaml);

}  // namespace safelight

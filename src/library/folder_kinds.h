// What the folders of A1111's web UI and of ComfyUI are for, by their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/recognise.h"

namespace safelight {

// In any case: "Stable-diffusion" and "checkpoints" hold checkpoints, "Lora", "LyCORIS" and "loras" LoRAs, ... Nothing
// for a name that neither program has.
std::optional<ModelKind> kind_of_folder(std::string_view name);

// Whether programs look for models in files of this name: .safetensors .sft .ckpt .pt .pt2 .bin .pth .pkl .gguf, in any
// case.
bool is_model_name(std::string_view file_name);

// ASCII letters made small.
std::string lower_case(std::string_view text);

}  // namespace safelight

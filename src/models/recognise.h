// What a file of tensors is, told from their names and shapes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/family.h"

namespace safelight {

struct Recognition {
  // Of a Stable Diffusion UNet in any layout; nothing for everything else. The next three mean something only if it
  // is set.
  std::optional<Family> family{};
  ModelTask task = ModelTask::generate;
  Prediction prediction = Prediction::noise;
  bool zero_terminal_snr = false;    // the last training step is noise alone (Lin et al. 2023)
  std::vector<std::string> lacks{};  // of what is needed to make pictures: "text encoder", "VAE decoder", ...

  std::string what{};      // "a LoRA", "a Stable Diffusion XL checkpoint", ...
  std::string evidence{};  // what settles it: a tensor with its shape, or which tensor is missing
};

// Of a file, or of several taken together. The evidence has the names that the files have.
Recognition recognise(const Checkpoint& file);

}  // namespace safelight

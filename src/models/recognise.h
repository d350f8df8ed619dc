// What a file of tensors is, told from their names and shapes.
#pragma once

#include <string>

#include "safelight/safetensors.h"

namespace safelight {

struct Recognition {
  bool stable_diffusion_1 = false;  // a checkpoint that StableDiffusion::open supports
  std::string what;                 // "a LoRA", "a Stable Diffusion XL checkpoint", ...
  std::string evidence;             // what settles it: a tensor with its shape, or which tensor is missing
};

Recognition recognise(const SafeTensors& file);

}  // namespace safelight

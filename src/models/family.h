// What kinds of Stable Diffusion checkpoints there are. Sizes are read from the tensors' shapes; these are the facts
// that shapes alone do not settle, or that decide what a checkpoint can be asked for.
#pragma once

namespace safelight {

enum class Family { sd1, sd2, sdxl, sdxl_refiner };

// What the UNet takes besides noisy latents (4 channels): nothing; a mask and the masked picture's latents (9 in all);
// the latents of the picture to edit (8 in all).
enum class ModelTask { generate, inpaint, edit };

// What the UNet was trained to predict: the noise, or v = sqrt(a) * noise - sqrt(1 - a) * x0 (Salimans & Ho 2022).
enum class Prediction { noise, v };

// How many numbers about the picture a family's UNet is told besides the text's pooled features (Podell et al. 2023,
// "SDXL", section 2.2), each as an embedding like a timestep's: of SDXL, height and width before training scaled the
// picture, the top and left edge of the crop, height and width of the result; of its refiner, an aesthetic score in
// place of the last two.
constexpr int numbers_in_vector(Family family) {
  return family == Family::sdxl ? 6 : family == Family::sdxl_refiner ? 5 : 0;
}

}  // namespace safelight

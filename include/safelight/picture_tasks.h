// From pictures to pictures: what else a Stable Diffusion checkpoint can do. Each task takes the options of generate()
// besides its own, makes `count` pictures as generate() does, and refuses what generate() would refuse.
//
//   Model model = Model::open("papercut.safetensors");
//   transform(model, {.generate = {.prompt = "the same at night"}, .picture = read_png("house.png").picture},
//             [](GeneratedPicture p) { write_png("night.png", p.picture, {{"parameters", p.infotext}}); });
#pragma once

#include <cstdint>
#include <string>

#include "safelight/generate.h"
#include "safelight/picture.h"

namespace safelight {

// Picture to picture: the picture's latents get as much noise as the steps that are then run take away again (Meng et
// al. 2022, "SDEdit").
struct TransformOptions {
  GenerateOptions generate{};  // width, height: of the result; 0: the picture's, cut to the model's multiple
  Picture picture{};
  double strength = 0.75;         // how much changes: of the steps the last int(steps * strength) are run, as diffusers
                                  // counts them; above 0, at most 1, and enough for one step
  std::string resize = "crop";    // where the sizes differ: stretch, crop (fill the size, cut what is over)
  Tensor encoder_noise{};         // NCHW [1, 4, h, w] of unit variance: the picture's latents are the encoder's mean and
                                  // this times its deviation; empty: the mean
};
GenerateReport transform(Model& model, const TransformOptions& options, const OnPicture& on_picture);
GenerateForecast forecast(Model& model, const TransformOptions& options);

// A picture as an instruction says, with a model that is made for it: the UNet sees the picture (Brooks et al. 2023,
// "InstructPix2Pix"). The prompt is the instruction.
struct EditOptions {
  GenerateOptions generate{};  // width, height: as in TransformOptions
  Picture picture{};
  double image_cfg = 1.5;       // how closely the result keeps to the picture
  std::string resize = "crop";  // as in TransformOptions
};
GenerateReport edit(Model& model, const EditOptions& options, const OnPicture& on_picture);
GenerateForecast forecast(Model& model, const EditOptions& options);

}  // namespace safelight

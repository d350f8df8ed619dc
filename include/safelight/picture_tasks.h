// From pictures to pictures: what else a Stable Diffusion checkpoint can do. Each task takes the options of generate()
// besides its own, makes `count` pictures as generate() does, and refuses what generate() would refuse; none has a
// second pass. docs/tasks.md says what each option means to diffusers and to the AUTOMATIC1111 web UI.
//
//   Model model = Model::open("papercut.safetensors");
//   transform(model, {.generate = {.prompt = "a red house at night"}, .picture = read_picture("house.jpg").picture},
//             [](GeneratedPicture p) { write_picture("night.png", p.picture, {{"parameters", p.infotext}}); });
#pragma once

#include <cstdint>
#include <optional>

#include "safelight/generate.h"
#include "safelight/mask.h"
#include "safelight/picture.h"

namespace safelight {

// Picture to picture: the picture's latents get as much noise as the steps that are then run take away again (Meng et
// al. 2022, "SDEdit"). With a model for generate().
struct TransformOptions {
  GenerateOptions generate{};  // width, height: of the result; 0: the picture's, cut to the model's multiple
  Picture picture{};
  double strength = 0.75;  // how much changes: of the steps the last int(steps * strength) are run, as diffusers counts
                           // them; above 0, at most 1, and enough for one step
  ResizeMode resize = ResizeMode::crop;  // where the sizes differ
  Tensor encoder_noise{};  // NCHW [1, 4, h, w] of unit variance: the picture's latents are the encoder's mean and this
                           // times its deviation; empty: the mean
};
GenerateReport transform(Model& model, const TransformOptions& options, const OnPicture& on_picture);
GenerateForecast forecast(Model& model, const TransformOptions& options);

// A part of a picture anew. With a model for generate(), what is not masked is put back after every step, as noisy as
// the rest: a soft mask lets go where it is weak the later, so that less changes there (Levin & Fried 2023,
// "Differential Diffusion"). A model that is made for inpainting sees the mask, hard at a half, and the rest.
// Pixels where the mask is 0 keep their bits; the tones of what is new are made to meet them at the mask's border.
struct InpaintOptions {
  GenerateOptions generate{};  // width, height: what the masked region is enlarged to, with only_masked alone; 0: the
                               // model's own size. The result has the picture's size, whatever that is.
  Picture picture{};
  Mask mask{};                                      // of the picture's size
  bool invert = false;                              // repaint what is not masked
  double strength = 1;                              // as in TransformOptions; 1: from noise alone, whatever was there
  MaskedContent content = MaskedContent::original;  // what is under the mask at first; of no effect with strength 1
  double mask_blur = 0;       // how far, in standard deviations in pixels, new and old mix: inside the mask
  bool only_masked = false;   // work on the masked region alone, enlarged
  std::int64_t padding = 32;  // pixels around it that go with it
  bool composite = true;      // false: the result as it was decoded, which changes all pixels a little
};
GenerateReport inpaint(Model& model, const InpaintOptions& options, const OnPicture& on_picture);
GenerateForecast forecast(Model& model, const InpaintOptions& options);

// More of a picture beyond its edges, with the models that inpaint() takes. The picture's pixels keep their bits; the
// tones of what is new are made to meet it.
struct OutpaintOptions {
  GenerateOptions generate{};  // width, height: 0
  Picture picture{};
  Extension extension{};             // any, but not none on all sides
  std::optional<double> strength{};  // as in InpaintOptions; unset: 1 for an inpainting model, 0.9 for others, which so
                                     // have something of the picture's large shapes and colours to start from
  std::int64_t overlap = 32;         // 0 to 1024 pixels beyond the edges over which tones are made to meet
};
GenerateReport outpaint(Model& model, const OutpaintOptions& options, const OnPicture& on_picture);
GenerateForecast forecast(Model& model, const OutpaintOptions& options);

// A picture as an instruction says, with a model that is made for it: the UNet sees the picture (Brooks et al. 2023,
// "InstructPix2Pix"). The prompt is the instruction.
struct EditPictureOptions {
  GenerateOptions generate{};  // width, height: as in TransformOptions
  Picture picture{};
  double image_cfg = 1.5;                // how closely the result keeps to the picture
  ResizeMode resize = ResizeMode::crop;  // as in TransformOptions
};
GenerateReport edit(Model& model, const EditPictureOptions& options, const OnPicture& on_picture);
GenerateForecast forecast(Model& model, const EditPictureOptions& options);

}  // namespace safelight

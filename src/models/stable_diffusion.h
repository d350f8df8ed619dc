// A Stable Diffusion 1.x checkpoint, opened: its networks and the facts that its tensors settle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "models/clip_text_encoder.h"
#include "models/family.h"
#include "models/unet.h"
#include "models/vae.h"
#include "safelight/safetensors.h"

namespace safelight {

struct StableDiffusion {
  // Opens a single-file checkpoint in the ldm layout. Throws Error(model) if it is something else, saying what it is (a
  // LoRA, a VAE, a textual inversion, a ControlNet, an inpainting or edit model, SD 2, SDXL, ...) and on what evidence;
  // Error(model) naming the tensor if one is missing or has another shape than its neighbours demand; Error(io),
  // Error(format) from the reader. The backend must outlive the result.
  static StableDiffusion open(const std::filesystem::path& path, Backend& backend);

  // The same for a file that is open already.
  static StableDiffusion open(const SafeTensors& file, Backend& backend);

  // Binds the UNet's weights again if its linear layers have another precision than this.
  void set_unet_precision(Precision precision, Backend& backend);

  // How the names of each network's tensors begin.
  static constexpr std::string_view kTextEncoder = "cond_stage_model.", kUNet = "model.diffusion_model.",
                                    kVaeDecoder = "first_stage_model.decoder.",
                                    kVaeEncoder = "first_stage_model.encoder.";

  SafeTensors file;
  Family family = Family::sd1;
  ModelTask task = ModelTask::generate;
  Prediction prediction = Prediction::noise;
  bool zero_terminal_snr = false;
  std::string what;  // "a Stable Diffusion 1 inpainting model"
  ClipTextEncoder text_encoder;
  UNet unet;
  Precision unet_precision = Precision::full;
  VaeDecoder vae_decoder;
  VaeEncoder vae_encoder;

  float latent_scale = 0.18215f;  // latents = scale * VAE mean
  std::int64_t default_width = 512,
               default_height = 512;  // modelspec.resolution if the file says so, else 64 latent pixels

  // Picture sides must be multiples of this: the VAE's factor. The UNet takes any number of latent pixels.
  std::int64_t size_multiple() const noexcept { return vae_decoder.factor(); }
};

}  // namespace safelight

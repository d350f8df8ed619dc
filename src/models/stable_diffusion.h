// A Stable Diffusion checkpoint, opened: its networks and the facts that its tensors settle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "models/checkpoint.h"
#include "models/family.h"
#include "models/text_encoders.h"
#include "models/unet.h"
#include "models/vae.h"

namespace safelight {

// How a UNet was trained, where the user knows better than the file.
struct Training {
  std::optional<Prediction> prediction{};
  std::optional<bool> zero_terminal_snr{};
};

// What the UNet takes besides noisy latents of `latent` channels.
std::int64_t extra_channels(ModelTask task, std::int64_t latent);

struct StableDiffusion {
  // Opens a checkpoint, whatever files it is in, of any family and task. Throws Error(model) if it is something else,
  // saying what it is (a LoRA, a VAE, a textual inversion, a ControlNet, ...) and on what evidence; Error(model) naming
  // the parts that it lacks and what to add; Error(model) naming the tensor if one is missing or has another shape than
  // its neighbours demand. The backend must outlive the result.
  static StableDiffusion open(const Checkpoint& file, Backend& backend, const Training& training = {});

  // The same, as Checkpoint::open() finds it.
  static StableDiffusion open(const std::filesystem::path& path, Backend& backend, const Training& training = {});

  // Binds weights again that have another precision than this: int8 is for the UNet's linear layers, bf16 for the whole
  // UNet and VAE. Text is always read in full.
  void set_precision(Precision precision, Backend& backend);

  // How the names of each network's tensors begin.
  static constexpr std::string_view kUNet = "model.diffusion_model.", kVaeDecoder = "first_stage_model.decoder.",
                                    kVaeEncoder = "first_stage_model.encoder.";
  std::string_view text_encoder_prefix() const noexcept {
    return numbers_in_vector(family) > 0 ? "conditioner." : "cond_stage_model.";
  }

  Checkpoint file;
  Family family = Family::sd1;
  ModelTask task = ModelTask::generate;
  Prediction prediction = Prediction::noise;
  bool zero_terminal_snr = false;
  bool zeros_for_empty_prompt = false;  // what an empty negative prompt is to the UNet; of XL and its refiner alone
  std::string what;                     // "a Stable Diffusion 1 inpainting model"
  TextEncoders text_encoders;
  UNet unet;
  Precision precision = Precision::full;
  VaeDecoder vae_decoder;
  VaeEncoder vae_encoder;

  float latent_scale = 0.18215f;  // latents = scale * VAE mean; what the files say, else what the family is known for
  std::int64_t default_width = 512, default_height = 512;  // what the files say, else the family's

  // Picture sides must be multiples of this: the VAE's factor. The UNet takes any number of latent pixels.
  std::int64_t size_multiple() const noexcept { return vae_decoder.factor(); }
};

}  // namespace safelight

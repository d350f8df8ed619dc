// What a file of tensors is, told from their names and shapes, and on what evidence.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/checkpoint.h"
#include "models/family.h"
#include "models/inventory.h"
#include "safelight/safetensors.h"

namespace safelight {

enum class ModelKind {
  checkpoint,  // a UNet with text encoders or a VAE
  unet,        // a diffusion network alone
  vae,
  tiny_vae,  // TAESD
  text_encoder,
  image_encoder,
  lora,  // LoHa, LoKr and their like included
  embedding,
  hypernetwork,
  controlnet,
  adapter,  // T2I and IP adapters
  upscaler,
  other,  // known, but none of these
  unknown,
};

// "checkpoint", "text-encoder", ...; and back.
std::string_view name(ModelKind kind) noexcept;
std::optional<ModelKind> parse_model_kind(std::string_view name) noexcept;
std::vector<std::string> model_kind_names();

// "Stable Diffusion 1", ...
std::string_view family_name(Family family) noexcept;

// How much of something is stored in one type.
struct TypeShare {
  DType dtype = DType::F32;
  std::uint64_t tensors = 0, bytes = 0;
};

// One network within a file.
struct CarriedPart {
  std::string name{};  // "UNet", "text encoder CLIP ViT-L/14", ...
  std::uint64_t tensors = 0, bytes = 0;
  std::vector<TypeShare> types{};  // the largest share first
};

// One thing that was concluded.
struct Fact {
  std::string claim{}, because{};  // "predicts v", "tensor v_pred F32 [0]"
};

struct Recognition {
  // Of a Stable Diffusion UNet that pictures can be made with once nothing is lacking; nothing for everything else. The
  // next three mean something only if it is set.
  std::optional<Family> family{};
  ModelTask task = ModelTask::generate;
  Prediction prediction = Prediction::noise;
  bool zero_terminal_snr = false;    // the last training step is noise alone (Lin et al. 2023)
  std::vector<std::string> lacks{};  // of what is needed to make pictures: "text encoder", "VAE decoder", ...

  std::string what = "of an unknown kind";  // "a LoRA for Stable Diffusion 1", "a Stable Diffusion XL checkpoint", ...
  std::string evidence{};                   // what settles that: a tensor with its shape, or which tensor is missing

  ModelKind kind = ModelKind::unknown;
  bool can_be_merged = false;        // of a LoRA: it is of the form that merge() adds to a model
  std::string base{};                // the family it is of or belongs to, in words; empty if nothing tells
  std::vector<Fact> facts{};         // everything that was concluded, the most decisive first
  std::vector<TypeShare> types{};    // of all tensors, the largest share first
  std::vector<CarriedPart> parts{};  // what a checkpoint carries, in the order of use
  std::vector<std::string> notes{};  // what a person should know besides: what cannot be told, what does not fit
};

// Never throws for what the tensors may be. The evidence has the names that the files have.
Recognition recognise(const Inventory& inventory);
Recognition recognise(const SafeTensors& file);
Recognition recognise(const Checkpoint& checkpoint);

}  // namespace safelight

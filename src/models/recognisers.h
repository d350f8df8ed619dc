// The parts of recognise(): each knows some kinds of files, and says nothing of the others.
#pragma once

#include <optional>

#include "models/recognise.h"

namespace safelight {

// What all of them look at.
struct Clues {
  const Inventory& inventory;
  TensorNames names;

  explicit Clues(const Inventory& given) : inventory(given), names(given.tensors) {}

  std::string describe(const TensorInfo& tensor) const { return inventory.describe(tensor); }
};

// Stable Diffusion's UNets: in checkpoints, alone, in the ldm layout or with diffusers' names.
std::optional<Recognition> recognise_unet(const Clues& clues);

// LoRA and its relatives.
std::optional<Recognition> recognise_lora(const Clues& clues);

// What stands beside a checkpoint: ControlNets, adapters, learned words, hypernetworks.
std::optional<Recognition> recognise_companion(const Clues& clues);

// A part of a checkpoint by itself: VAEs, text encoders, image encoders.
std::optional<Recognition> recognise_part(const Clues& clues);

std::optional<Recognition> recognise_upscaler(const Clues& clues);

// Other families of diffusion models, by name alone.
std::optional<Recognition> recognise_foreign_family(const Clues& clues);

// A recognition with one fact: what it is, and because of which tensor.
Recognition recognised(ModelKind kind, std::string what, std::string base, std::string evidence);

// What the metadata says the family is, in words, with the key that says it as evidence; nothing if it says nothing
// that is known.
struct SaidFamily {
  std::string_view base;
  std::optional<Family> family;
  std::string evidence;
};
std::optional<SaidFamily> family_in_metadata(const Inventory& inventory);

// The family whose UNet attends to text of this width: 768, 1024, 2048, 1280. Nothing for others.
std::optional<Family> family_of_context(std::uint64_t width) noexcept;

// "CLIP ViT-L/14" for 768, ...; "of width 64" for what has no name.
std::string text_encoder_name(std::uint64_t width);

std::vector<TypeShare> shares_of(std::span<const TensorInfo* const> tensors);

}  // namespace safelight

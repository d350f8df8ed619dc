// A part of a checkpoint by itself: VAEs, small VAEs, text encoders, image encoders.
#include <fmt/format.h>

#include <array>

#include "models/recognisers.h"

namespace safelight {
namespace {

std::string first_existing(const TensorNames& names, std::initializer_list<std::string_view> candidates) {
  for (const std::string_view name : candidates)
    if (names.exact(name)) return std::string(name);
  return {};
}

// Of a VAE, which family it is of is not in its tensors: those of SD 1, 2 and XL have the same names and shapes.
void say_family_of_vae(const Clues& clues, std::uint64_t latent, Recognition& found) {
  if (const auto said = family_in_metadata(clues.inventory)) {
    found.base = said->base;
    found.facts.push_back({"is of " + found.base, said->evidence});
  } else if (latent == 4) {
    found.notes.emplace_back(
        "whether it is of Stable Diffusion 1, 2 or XL cannot be told: their shapes are the same, their scales are not");
  } else if (latent == 16) {
    found.notes.emplace_back("with 16 latent channels, it is of Stable Diffusion 3, Flux or a later model");
  }
}

// conv_in of the decoder is [width, latent, 3, 3]; conv_out of the encoder gives mean and variance of each.
std::optional<Recognition> recognise_vae(const Clues& clues) {
  const TensorNames& names = clues.names;
  for (const std::string prefix : {"first_stage_model.", "vae.", ""}) {
    const TensorInfo* decoder = names.exact(prefix + "decoder.conv_in.weight");
    const TensorInfo* encoder = names.exact(prefix + "encoder.conv_in.weight");
    const TensorInfo* sign = decoder ? decoder : encoder;
    if (!sign || sign->shape.size() != 4) continue;
    if (const TensorInfo* book = names.exact(prefix + "quantize.embedding.weight"))
      return recognised(ModelKind::other, "a VQ autoencoder", "", clues.describe(*book));
    const bool diffusers = names.below(prefix + "decoder.up_blocks.") || names.below(prefix + "encoder.down_blocks.");
    std::string what = "a VAE";
    if (!encoder) what += " decoder";
    if (!decoder) what += " encoder";
    Recognition found = recognised(ModelKind::vae, std::move(what), "", clues.describe(*sign));
    if (diffusers) found.notes.emplace_back("its tensors have diffusers' names");
    const TensorInfo* last = names.exact(prefix + "encoder.conv_out.weight");
    const std::uint64_t latent = decoder ? dimension(decoder, 1) : dimension(last, 0) / 2;
    if (latent)
      found.facts.push_back(
          {fmt::format("has {} latent channels", latent), clues.describe(decoder ? *decoder : *last)});
    say_family_of_vae(clues, latent, found);
    return found;
  }
  return std::nullopt;
}

// TAESD: 64 channels throughout. Its layers have numbers, the first convolution being 0 in the encoder and, behind a
// clamp, 1 in the decoder; diffusers has both below `layers`.
std::optional<Recognition> recognise_tiny_vae(const Clues& clues) {
  const TensorNames& names = clues.names;
  const std::string block = first_existing(
      names, {"decoder.layers.2.conv.0.weight", "decoder.layers.3.conv.0.weight", "encoder.layers.1.conv.0.weight",
              "decoder.3.conv.0.weight", "encoder.1.conv.0.weight", "taesd_decoder.3.conv.0.weight",
              "taesd_encoder.1.conv.0.weight", "3.conv.0.weight", "1.conv.0.weight"});
  if (block.empty()) return std::nullopt;
  const std::string first = first_existing(
      names, {"decoder.layers.0.weight", "decoder.layers.1.weight", "decoder.1.weight", "taesd_decoder.1.weight",
              "1.weight", "encoder.layers.0.weight", "encoder.0.weight", "taesd_encoder.0.weight", "0.weight"});
  const TensorInfo* t = first.empty() ? nullptr : names.exact(first);
  if (!t || t->shape.size() != 4 || t->shape[0] != 64) return std::nullopt;
  const std::uint64_t inputs = t->shape[1];
  if (inputs == 3) return recognised(ModelKind::tiny_vae, "a small VAE encoder (TAESD)", "", clues.describe(*t));
  Recognition found = recognised(ModelKind::tiny_vae, "a small VAE (TAESD)", "", clues.describe(*t));
  found.facts.push_back({fmt::format("has {} latent channels", inputs), clues.describe(*t)});
  if (inputs == 4)
    found.notes.emplace_back(
        "whether it is for Stable Diffusion 1 and 2 or for XL cannot be told: the shapes are the same");
  return found;
}

Recognition text_encoder(const Clues& clues, const std::string& name, const TensorInfo& sign) {
  return recognised(ModelKind::text_encoder, "a text encoder " + name, "", clues.describe(sign));
}

// Families by what they read texts with.
std::string_view user_of_encoder(std::uint64_t width) {
  switch (width) {
    case 768:
      return "used by Stable Diffusion 1, and as the first of two by XL";
    case 1024:
      return "used by Stable Diffusion 2";
    case 1280:
      return "used by Stable Diffusion XL as the second of two, and by its refiner";
    default:
      return {};
  }
}

std::optional<Recognition> recognise_encoder(const Clues& clues) {
  const TensorNames& names = clues.names;
  // Image and text encoder of one CLIP come with both; then it is taken for what it is in full.
  if (const TensorInfo* t = names.holding("vision_model.embeddings.class_embedding"))
    return recognised(ModelKind::image_encoder, "an image encoder (CLIP)", "", clues.describe(*t));
  for (const std::string prefix : {"", "text_encoder.", "text_encoders.t5xxl.transformer.", "text_encoders."}) {
    const TensorInfo* t = names.exact(prefix + "encoder.block.0.layer.0.SelfAttention.q.weight");
    if (!t) continue;
    const TensorInfo* words = names.exact(prefix + "shared.weight");
    const bool xxl = dimension(words ? words : t, 1) == 4096;
    return text_encoder(clues, xxl ? "T5-XXL" : "T5", words ? *words : *t);
  }
  const TensorInfo* words = names.holding("text_model.embeddings.token_embedding.weight");
  if (!words && (names.holding("transformer.resblocks.0.") || names.holding("encoder.layers.0.self_attn.q_proj.")))
    words = names.holding("token_embedding.weight");
  if (!words || words->shape.size() != 2) return std::nullopt;
  Recognition found = text_encoder(clues, text_encoder_name(dimension(words, 1)), *words);
  if (const std::string_view user = user_of_encoder(dimension(words, 1)); !user.empty()) found.notes.emplace_back(user);
  return found;
}

}  // namespace

std::optional<Recognition> recognise_part(const Clues& clues) {
  if (auto found = recognise_vae(clues)) return found;
  if (auto found = recognise_tiny_vae(clues)) return found;
  return recognise_encoder(clues);
}

}  // namespace safelight

// Diffusion models of other families, by names that only they have.
#include <string>

#include "models/recognisers.h"

namespace safelight {
namespace {

// Looked for at the beginning of names, bare and below the usual prefixes. The first row that matches counts: later
// families share names with earlier ones.
struct Sign {
  std::string_view what, base, begins;
};
constexpr Sign kSigns[] = {
    {"a Flux 2 model", "Flux 2", "double_stream_modulation_img."},
    {"a Chroma model", "Chroma", "distilled_guidance_layer."},
    {"a HunyuanVideo model", "HunyuanVideo", "txt_in.individual_token_refiner."},
    {"a Flux model", "Flux", "double_blocks.0."},
    {"a Flux model", "Flux", "single_transformer_blocks.0."},
    {"a Stable Diffusion 3 model", "Stable Diffusion 3", "joint_blocks.0."},
    {"a Stable Diffusion 3 model", "Stable Diffusion 3", "transformer_blocks.0.attn.add_k_proj."},
    {"a Stable Cascade model", "Stable Cascade", "down_blocks.0.0.channelwise."},
    {"a Stable Cascade model", "Stable Cascade", "clip_txt_mapper."},
    {"a PixArt model", "PixArt", "t_block.1."},
    {"an AuraFlow model", "AuraFlow", "cond_seq_linear."},
    {"a HunyuanDiT model", "HunyuanDiT", "mlp_t5.0."},
    {"a Lumina 2 model", "Lumina 2", "cap_embedder.1."},
    {"a Qwen-Image model", "Qwen-Image", "transformer_blocks.0.img_mod.1."},
    {"a Wan model", "Wan", "head.modulation"},
};
constexpr const char* kPrefixes[] = {"", "model.diffusion_model.", "diffusion_model.", "transformer.", "model."};

}  // namespace

std::optional<Recognition> recognise_foreign_family(const Clues& clues) {
  for (const Sign& sign : kSigns)
    for (const char* prefix : kPrefixes) {
      const TensorInfo* t = clues.names.below(prefix + std::string(sign.begins));
      if (!t) continue;
      const bool whole = clues.names.below("text_encoders.") || clues.names.below("first_stage_model.");
      return recognised(whole ? ModelKind::checkpoint : ModelKind::unet, std::string(sign.what), std::string(sign.base),
                        clues.describe(*t));
    }
  return std::nullopt;
}

}  // namespace safelight

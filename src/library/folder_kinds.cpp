#include "library/folder_kinds.h"

#include <algorithm>
#include <array>
#include <string>

namespace safelight {
namespace {

struct Row {
  std::string_view folder;
  ModelKind kind;
};
constexpr Row kFolders[] = {
    // A1111
    {"stable-diffusion", ModelKind::checkpoint},
    {"vae", ModelKind::vae},
    {"vae-approx", ModelKind::tiny_vae},
    {"lora", ModelKind::lora},
    {"lycoris", ModelKind::lora},
    {"embeddings", ModelKind::embedding},
    {"hypernetworks", ModelKind::hypernetwork},
    {"controlnet", ModelKind::controlnet},
    {"esrgan", ModelKind::upscaler},
    {"realesrgan", ModelKind::upscaler},
    {"swinir", ModelKind::upscaler},
    {"dat", ModelKind::upscaler},
    {"ldsr", ModelKind::upscaler},
    {"scunet", ModelKind::upscaler},
    {"gfpgan", ModelKind::other},
    {"codeformer", ModelKind::other},
    // ComfyUI
    {"checkpoints", ModelKind::checkpoint},
    {"diffusers", ModelKind::checkpoint},
    {"diffusion_models", ModelKind::unet},
    {"unet", ModelKind::unet},
    {"vae_approx", ModelKind::tiny_vae},
    {"text_encoders", ModelKind::text_encoder},
    {"clip", ModelKind::text_encoder},
    {"clip_vision", ModelKind::image_encoder},
    {"loras", ModelKind::lora},
    {"t2i_adapter", ModelKind::adapter},
    {"ipadapter", ModelKind::adapter},
    {"upscale_models", ModelKind::upscaler},
    {"latent_upscale_models", ModelKind::upscaler},
    {"style_models", ModelKind::other},
    {"gligen", ModelKind::other},
    {"photomaker", ModelKind::other},
    {"classifiers", ModelKind::other},
    {"audio_encoders", ModelKind::other},
    {"model_patches", ModelKind::other},
};

constexpr std::array<std::string_view, 9> kExtensions = {".safetensors", ".sft", ".ckpt", ".pt",  ".pt2",
                                                         ".bin",         ".pth", ".pkl",  ".gguf"};

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::optional<ModelKind> kind_of_folder(std::string_view name) {
  const auto row = std::ranges::find(kFolders, lower_case(name), &Row::folder);
  return row == std::end(kFolders) ? std::nullopt : std::optional(row->kind);
}

bool is_model_name(std::string_view file_name) {
  const std::string lower = lower_case(file_name);
  return std::ranges::any_of(kExtensions, [&](std::string_view extension) {
    return lower.size() > extension.size() && lower.ends_with(extension);
  });
}

}  // namespace safelight

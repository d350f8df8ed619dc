#include "models/recognise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace safelight {
namespace {

constexpr std::string_view kFirstConv = "model.diffusion_model.input_blocks.0.0.weight";
constexpr std::string_view kToK = ".transformer_blocks.0.attn2.to_k.weight";
constexpr std::string_view kLabel = "model.diffusion_model.label_emb.0.0.weight";

// Names come from the file: what a terminal might obey, or what would break the line, is shown as '?'.
std::string printable(std::string_view name) {
  constexpr std::size_t kMost = 120;
  std::string text(name.substr(0, kMost));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return name.size() > kMost ? text + "..." : text;
}

std::string describe(const TensorInfo& t) {
  return fmt::format("tensor {} {} [{}]", printable(t.name), name(t.dtype), fmt::join(t.shape, ", "));
}

enum class Where { starts, ends, contains };

bool matches(std::string_view name, Where where, std::string_view part) {
  switch (where) {
    case Where::starts:
      return name.starts_with(part);
    case Where::ends:
      return name.ends_with(part);
    case Where::contains:
      return name.find(part) != std::string_view::npos;
  }
  return false;
}

const TensorInfo* find(const SafeTensors& file, Where where, std::string_view part) {
  const auto found = std::find_if(file.tensors().begin(), file.tensors().end(),
                                  [&](const TensorInfo& t) { return matches(t.name, where, part); });
  return found == file.tensors().end() ? nullptr : &*found;
}

// One dimension of a tensor; 0 if either is missing.
std::uint64_t dim(const TensorInfo* t, std::size_t axis) { return t && axis < t->shape.size() ? t->shape[axis] : 0; }

// A name that settles what a file without an ldm UNet is. The first row that matches counts.
struct Sign {
  std::string_view what;
  Where where;
  std::string_view part;
};

constexpr Sign kSigns[] = {
    {"a LoRA", Where::ends, ".lora_down.weight"},
    {"a LoRA", Where::ends, ".lora_up.weight"},
    {"a LoRA", Where::contains, ".lora_A."},
    {"a LoRA", Where::contains, ".lora.down."},
    {"a LoHa (a kind of LoRA)", Where::ends, ".hada_w1_a"},
    {"a LoKr (a kind of LoRA)", Where::contains, ".lokr_w1"},
    {"a ControlNet", Where::starts, "control_model."},
    {"a ControlNet", Where::starts, "controlnet_cond_embedding."},
    {"a ControlNet", Where::starts, "input_hint_block."},
    {"a T2I adapter", Where::starts, "adapter.body."},
    {"an IP adapter", Where::starts, "ip_adapter."},
    {"a textual inversion", Where::starts, "emb_params"},
    {"a textual inversion", Where::starts, "string_to_param"},
    {"a textual inversion for Stable Diffusion XL", Where::starts, "clip_g"},
    {"a Flux model", Where::contains, "double_blocks.0."},
    {"a Stable Diffusion 3 model", Where::contains, "joint_blocks.0."},
    {"a Stable Cascade model", Where::contains, "down_blocks.0.0.channelwise."},
    {"a UNet alone, in the ldm layout", Where::starts, "input_blocks.0.0.weight"},
    {"a UNet in the folder layout of diffusers", Where::starts, "down_blocks.0."},
    {"a VAE", Where::starts, "first_stage_model."},
    {"a VAE", Where::starts, "decoder.conv_in."},
    {"a VAE", Where::starts, "encoder.conv_in."},
    {"a VAE", Where::starts, "vae.decoder."},
    {"a text encoder", Where::contains, "text_model.embeddings."},
    {"a text encoder", Where::contains, "transformer.resblocks.0."},
    {"an image encoder", Where::contains, "vision_model.embeddings."},
    {"an upscaler", Where::starts, "conv_first."},
};

Recognition without_ldm_unet(const SafeTensors& file) {
  for (const Sign& sign : kSigns)
    if (const TensorInfo* t = find(file, sign.where, sign.part)) return {false, std::string(sign.what), describe(*t)};
  if (file.tensors().empty()) return {false, "a file without tensors", "its header names none"};
  const TensorInfo& first = file.tensors().front();
  // A learned word saved by diffusers: its name is the word, its value one vector or a few.
  if (file.tensors().size() == 1 && (first.shape.size() == 1 || (first.shape.size() == 2 && first.shape[0] <= 75)))
    return {false, "a textual inversion", describe(first)};
  return {false, "of an unknown kind",
          fmt::format("no tensor {}; the first of {} is {}", kFirstConv, file.tensors().size(), describe(first))};
}

// Families whose UNet has the ldm layout, by what settles them. Stable Diffusion 2 differs from 1 by its text encoder.
std::optional<Recognition> other_ldm_family(const SafeTensors& file, const TensorInfo& first_conv) {
  const auto found = [](std::string_view what, const TensorInfo& t) {
    return Recognition{false, std::string(what), describe(t)};
  };
  if (const TensorInfo* t = find(file, Where::starts, "control_model.")) return found("a ControlNet", *t);
  const TensorInfo *label = file.find(kLabel), *embedder = find(file, Where::starts, "conditioner.embedders.");
  if (label || embedder) {
    if (dim(label, 1) == 2560 || dim(&first_conv, 0) == 384)
      return found("a Stable Diffusion XL refiner", label ? *label : first_conv);
    if (!embedder && dim(label, 1) != 2816) return found("an unCLIP model (Stable Diffusion 2)", *label);
    if (dim(&first_conv, 1) != 4)
      return found(
          dim(&first_conv, 1) == 9 ? "a Stable Diffusion XL inpainting model" : "a Stable Diffusion XL edit model",
          first_conv);
    return found("a Stable Diffusion XL checkpoint", label ? *label : *embedder);
  }
  const TensorInfo* to_k = find(file, Where::ends, kToK);
  const bool second = dim(to_k, 1) == 1024 || find(file, Where::starts, "cond_stage_model.model.transformer.");
  switch (dim(&first_conv, 1)) {
    case 4:
      break;
    case 5:
      return found("a depth-to-image model (Stable Diffusion 2)", first_conv);
    case 7:
      return found("a 4x upscaler (Stable Diffusion 2)", first_conv);
    case 8:
      return found("an edit model (InstructPix2Pix)", first_conv);
    case 9:
      return found(second ? "a Stable Diffusion 2 inpainting model" : "a Stable Diffusion 1 inpainting model",
                   first_conv);
    default:
      return found("a UNet of an unknown kind", first_conv);
  }
  if (second) {
    const TensorInfo* text = find(file, Where::starts, "cond_stage_model.model.transformer.");
    return found("a Stable Diffusion 2 checkpoint", text ? *text : *to_k);
  }
  return std::nullopt;
}

}  // namespace

Recognition recognise(const SafeTensors& file) {
  const TensorInfo* first_conv = file.find(kFirstConv);
  if (!first_conv) return without_ldm_unet(file);
  if (const auto other = other_ldm_family(file, *first_conv)) return *other;
  constexpr std::string_view kParts[][2] = {
      {"cond_stage_model.transformer.", "text encoder"},
      {"first_stage_model.decoder.", "VAE decoder"},
      {"first_stage_model.encoder.", "VAE encoder"},
  };
  for (const auto& [prefix, part] : kParts)
    if (!find(file, Where::starts, prefix))
      return {false, fmt::format("a checkpoint without its {}", part), fmt::format("no tensor {}*", prefix)};
  const auto prediction = file.metadata().find("modelspec.prediction_type");
  if (file.find("v_pred") || (prediction != file.metadata().end() && prediction->second == "v"))
    return {false, "a Stable Diffusion 1 checkpoint that predicts v",
            file.find("v_pred") ? "tensor v_pred" : "modelspec.prediction_type is v"};
  return {true, "a Stable Diffusion 1 checkpoint", describe(*first_conv)};
}

}  // namespace safelight

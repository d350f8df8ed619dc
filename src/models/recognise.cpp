#include "models/recognise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
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

std::string describe(const Checkpoint& file, const TensorInfo& t) {
  return fmt::format("tensor {} {} [{}]", printable(file.name_in_file(t)), name(t.dtype), fmt::join(t.shape, ", "));
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

const TensorInfo* find(const Checkpoint& file, Where where, std::string_view part) {
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

Recognition other(std::string what, std::string evidence) {
  return {.what = std::move(what), .evidence = std::move(evidence)};
}

Recognition without_ldm_unet(const Checkpoint& file) {
  for (const Sign& sign : kSigns)
    if (const TensorInfo* t = find(file, sign.where, sign.part))
      return other(std::string(sign.what), describe(file, *t));
  if (file.tensors().empty()) return other("a file without tensors", "its header names none");
  const TensorInfo& first = file.tensors().front();
  // A learned word saved by diffusers: its name is the word, its value one vector or a few.
  if (file.tensors().size() == 1 && (first.shape.size() == 1 || (first.shape.size() == 2 && first.shape[0] <= 75)))
    return other("a textual inversion", describe(file, first));
  return other("of an unknown kind", fmt::format("no tensor {}; the first of {} is {}", kFirstConv,
                                                 file.tensors().size(), describe(file, first)));
}

// What has a UNet in the ldm layout, which begins with this convolution.
Recognition with_ldm_unet(const Checkpoint& file, const TensorInfo& first_conv) {
  const auto unknown = [&file](std::string_view what, const TensorInfo& t) {
    return other(std::string(what), describe(file, t));
  };
  if (const TensorInfo* t = find(file, Where::starts, "control_model.")) return unknown("a ControlNet", *t);
  const TensorInfo *label = file.find(kLabel), *embedder = find(file, Where::starts, "conditioner.embedders.");
  const TensorInfo* to_k = find(file, Where::ends, kToK);
  Recognition found{.family = Family::sd1, .evidence = describe(file, first_conv)};
  std::string_view name = "Stable Diffusion 1";
  if (label || embedder) {
    found.family = Family::sdxl;
    name = "Stable Diffusion XL";
    found.evidence = describe(file, label ? *label : *embedder);
    if (dim(label, 1) == 2560 || dim(&first_conv, 0) == 384) {
      found.family = Family::sdxl_refiner;
      found.what = "a Stable Diffusion XL refiner";
      return found;
    }
    if (!embedder && dim(label, 1) != 2816) return unknown("an unCLIP model (Stable Diffusion 2)", *label);
  } else if (const TensorInfo* text = find(file, Where::starts, "cond_stage_model.model.transformer.");
             text || dim(to_k, 1) == 1024) {
    found.family = Family::sd2;
    name = "Stable Diffusion 2";
    found.evidence = describe(file, text ? *text : *to_k);
  }
  switch (dim(&first_conv, 1)) {
    case 4:
      found.what = fmt::format("a {} checkpoint", name);
      return found;
    case 5:
      return unknown("a depth-to-image model (Stable Diffusion 2)", first_conv);
    case 7:
      return unknown("a 4x upscaler (Stable Diffusion 2)", first_conv);
    case 8:
      found.task = ModelTask::edit;
      found.what = fmt::format("a {} edit model (InstructPix2Pix)", name);
      break;
    case 9:
      found.task = ModelTask::inpaint;
      found.what = fmt::format("a {} inpainting model", name);
      break;
    default:
      return unknown("a UNet of an unknown kind", first_conv);
  }
  found.evidence = describe(file, first_conv);
  return found;
}

}  // namespace

Recognition recognise(const Checkpoint& file) {
  const TensorInfo* first_conv = file.find(kFirstConv);
  if (!first_conv) return without_ldm_unet(file);
  Recognition found = with_ldm_unet(file, *first_conv);
  if (!found.family) return found;
  constexpr std::string_view kParts[][2] = {
      {"first_stage_model.decoder.", "VAE decoder"},
      {"first_stage_model.encoder.", "VAE encoder"},
  };
  if (!find(file, Where::starts, "cond_stage_model.") && !find(file, Where::starts, "conditioner.embedders."))
    found.lacks.emplace_back("text encoder");
  for (const auto& [prefix, part] : kParts)
    if (!find(file, Where::starts, prefix)) found.lacks.emplace_back(part);
  const auto prediction = file.metadata().find("modelspec.prediction_type");
  if (file.find("v_pred") || (prediction != file.metadata().end() && prediction->second == "v")) {
    found.prediction = Prediction::v;
    found.what += " that predicts v";
    found.evidence = file.find("v_pred") ? "tensor v_pred" : "modelspec.prediction_type is v";
  }
  if (!found.lacks.empty()) found.what += fmt::format(" without its {}", fmt::join(found.lacks, ", "));
  return found;
}

}  // namespace safelight

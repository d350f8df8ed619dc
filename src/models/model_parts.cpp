#include "models/model_parts.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "arithmetic/unet_names.h"
#include "core/take.h"
#include "models/vae_names.h"

namespace safelight {
namespace {

using Rename = std::function<std::optional<std::string>(std::string_view)>;

bool begins_with_any(std::string_view name, std::span<const std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](std::string_view b) { return name.starts_with(b); });
}

// A rename of modules as one of their tensors: "conv_in" also means "conv_in.weight".
template <class Modules>
Rename of_tensors(Modules modules) {
  return [modules](std::string_view name) -> std::optional<std::string> {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    auto module = modules(name.substr(0, dot));
    return module ? std::optional(*module + std::string(name.substr(dot))) : std::nullopt;
  };
}

// Those that begin so keep their names.
Rename kept(std::span<const std::string_view> beginnings) {
  return [beginnings](std::string_view name) {
    return begins_with_any(name, beginnings) ? std::optional<std::string>(name) : std::nullopt;
  };
}

std::optional<std::string> keep_all(std::string_view name) { return std::string(name); }

class Finder {
 public:
  explicit Finder(const ShardedTensors& files) : files_(files), taken_(files.tensors().size()) {}

  ModelParts find() {
    find_unet();
    find_vae();
    find_text_encoders();
    for (std::size_t i = 0; i < taken_.size(); ++i)
      if (!taken_[i]) found_.rest.push_back(files_.tensors()[i]);
    return std::move(found_);
  }

 private:
  bool has(const std::string& name) const { return files_.find(name).info != nullptr; }

  std::vector<std::string_view> names_below(std::string_view prefix) const {
    std::vector<std::string_view> names;
    for (const ShardedTensors::Entry& entry : files_.tensors())
      if (std::string_view name = entry.info->name; take(name, prefix)) names.push_back(name);
    return names;
  }

  // A part of what is below the prefix and gets a name.
  void add(ModelPart part, std::string_view prefix, const Rename& rename) {
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      std::string_view name = files_.tensors()[i].info->name;
      if (taken_[i] || !take(name, prefix)) continue;
      if (auto ours = rename(name)) {
        part.tensors.push_back({files_.tensors()[i], std::move(*ours)});
        taken_[i] = true;
      }
    }
    found_.parts.push_back(std::move(part));
  }

  void find_unet();
  void find_vae();
  void find_text_encoders();
  bool find_text_encoder(const ModelPart& part, const std::string& base);

  const ShardedTensors& files_;
  std::vector<bool> taken_;
  ModelParts found_;
};

// The last tensors of each kind of UNet are asked for as well, because a ControlNet has the first.
void Finder::find_unet() {
  static constexpr std::array<std::string_view, 6> kOfUnet{"time_embed.",   "label_emb.",     "input_blocks.",
                                                           "middle_block.", "output_blocks.", "out."};
  for (const std::string prefix : {"model.diffusion_model.", "diffusion_model.", "unet.", ""}) {
    const ModelPart unet{.kind = PartKind::unet, .place = std::string(kUnetPlace)};
    if (has(prefix + "input_blocks.0.0.weight") && (prefix == kUnetPlace || has(prefix + "out.2.weight")))
      return add(unet, prefix, prefix.empty() ? kept(kOfUnet) : keep_all);
    if (has(prefix + "conv_in.weight") && has(prefix + "time_embedding.linear_1.weight") &&
        has(prefix + "conv_out.weight")) {
      const UnetLevels levels = levels_of_diffusers_unet(names_below(prefix));
      return add(unet, prefix, of_tensors([&](std::string_view module) { return ldm_unet_module(module, levels); }));
    }
  }
}

void Finder::find_vae() {
  static constexpr std::array<std::string_view, 4> kOfVae{"encoder.", "decoder.", "quant_conv.", "post_quant_conv."};
  static constexpr std::array<std::string_view, 4> kOfDiffusers{"encoder.down_blocks.", "encoder.mid_block.",
                                                                "decoder.up_blocks.", "decoder.mid_block."};
  constexpr int kMostLevels = 64;
  for (const std::string prefix : {"first_stage_model.", "vae.", ""}) {
    if (!has(prefix + "encoder.conv_in.weight") && !has(prefix + "decoder.conv_in.weight")) continue;
    const ModelPart vae{.kind = PartKind::vae, .place = std::string(kVaePlace)};
    const std::vector<std::string_view> names = names_below(prefix);
    if (std::ranges::none_of(names, [](std::string_view name) { return begins_with_any(name, kOfDiffusers); }))
      return add(vae, prefix, prefix == kVaePlace ? keep_all : kept(kOfVae));
    int levels = 0;
    for (std::string_view name : names)
      if (take(name, "decoder.up_blocks."))
        if (const auto level = take_number(name); level && *level < kMostLevels) levels = std::max(levels, *level + 1);
    return add(vae, prefix, of_tensors([&](std::string_view module) { return ldm_vae_module(module, levels); }));
  }
}

// Transformers' CLIPTextModel and CLIPTextModelWithProjection; since 5.6, and before 4.5, without the level text_model.
std::optional<std::string> of_transformers(std::string_view name) {
  constexpr std::array<std::string_view, 3> kOfModel{"embeddings.", "encoder.", "final_layer_norm."};
  if (name.starts_with("text_model.") || name == "text_projection.weight") return "transformer." + std::string(name);
  if (begins_with_any(name, kOfModel)) return "transformer.text_model." + std::string(name);
  return std::nullopt;
}

// OpenCLIP's, of which a file may have the image's encoder too.
std::optional<std::string> of_open_clip(std::string_view name) {
  constexpr std::array<std::string_view, 6> kOfModel{"transformer.resblocks.", "token_embedding.", "ln_final.",
                                                     "positional_embedding",   "text_projection",  "logit_scale"};
  return begins_with_any(name, kOfModel) ? std::optional("model." + std::string(name)) : std::nullopt;
}

bool Finder::find_text_encoder(const ModelPart& part, const std::string& base) {
  for (const char* model : {"text_model.embeddings.token_embedding.weight", "embeddings.token_embedding.weight"})
    for (const std::string& prefix : {base + "transformer.", base})
      if (has(prefix + model)) return add(part, prefix, of_transformers), true;
  for (const std::string& prefix : {base + "model.", base})
    if (has(prefix + "token_embedding.weight") && has(prefix + "positional_embedding"))
      return add(part, prefix, of_open_clip), true;
  return false;
}

void Finder::find_text_encoders() {
  struct Base {
    std::string_view prefix, place;
    int order = -1;
  };
  static constexpr std::array<Base, 9> kBases{{{kTextPlace, kTextPlace},
                                               {kFirstTextPlace, kFirstTextPlace},
                                               {kSecondTextPlace, kSecondTextPlace},
                                               {"text_encoder.", "", 0},
                                               {"text_encoder_2.", "", 1},
                                               {"text_encoders.clip_l.", "", 0},
                                               {"text_encoders.clip_g.", "", 1},
                                               {"clip_l.", "", 0},
                                               {"clip_g.", "", 1}}};
  bool any = false;
  for (const Base& base : kBases)
    any |= find_text_encoder({.kind = PartKind::text_encoder, .place = std::string(base.place), .order = base.order},
                             std::string(base.prefix));
  if (!any) find_text_encoder({.kind = PartKind::text_encoder, .place = {}}, "");
}

}  // namespace

ModelParts parts_of(const ShardedTensors& files) { return Finder(files).find(); }

std::uint64_t text_width(const ModelPart& part) {
  for (const PartTensor& tensor : part.tensors)
    if (tensor.name.ends_with("token_embedding.weight") && tensor.source.info->shape.size() == 2)
      return tensor.source.info->shape[1];
  return 0;
}

bool has_text_projection(const ModelPart& part) {
  return std::ranges::any_of(part.tensors, [](const PartTensor& t) {
    return t.name == "transformer.text_projection.weight" || t.name == "model.text_projection";
  });
}

}  // namespace safelight

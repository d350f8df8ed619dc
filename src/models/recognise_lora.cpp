// LoRA and its relatives. Which family one is for is told by what it attends to: the weights for attn2.to_k are as wide
// as the family's text.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/printable.h"
#include "models/recognisers.h"

namespace safelight {
namespace {

// How the tensors of each kind are called: any tensor whose name holds this. The first row that fits a name counts.
struct Sign {
  std::string_view what, part;
  bool low_rank = true;  // each layer's change is a product of two matrices, which merge() knows
};
constexpr Sign kSigns[] = {
    {"a LoRA", ".lora_down."},
    {"a LoRA", ".lora_up."},
    {"a LoRA", ".lora_A."},
    {"a LoRA", ".lora_B."},
    {"a LoRA", ".lora.down."},
    {"a LoRA", ".lora.up."},
    {"a LoRA", "_lora.down."},
    {"a LoRA", "_lora.up."},
    {"a LoRA", ".lora_linear_layer."},
    {"a LoHa (a kind of LoRA)", ".hada_w1", false},
    {"a LoKr (a kind of LoRA)", ".lokr_w1", false},
    {"an OFT (a kind of LoRA)", ".oft_blocks", false},
};
// Every sign holds one of these, which are quickly looked for.
constexpr std::array<std::string_view, 4> kHints = {"lora", ".hada", ".lokr", ".oft"};

struct Found {
  const Sign* sign;
  const TensorInfo* tensor;
};

std::optional<Found> find_sign(const TensorNames& names) {
  const auto holds = [](std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
  };
  for (const TensorInfo* t : names.all()) {
    if (std::ranges::none_of(kHints, [&](std::string_view hint) { return holds(t->name, hint); })) continue;
    for (const Sign& sign : kSigns)
      if (holds(t->name, sign.part)) return Found{&sign, t};
  }
  return std::nullopt;
}

// The inputs of the layer that `t`, of the parts of a LoRA, changes; 0 if this part does not tell.
std::uint64_t inputs_of_layer(const TensorNames& names, const TensorInfo& t) {
  constexpr std::string_view kDown[] = {".lora_down.weight", ".lora_A.weight",    ".lora_A.default.weight",
                                        ".lora.down.weight", "_lora.down.weight", ".lora_linear_layer.down.weight",
                                        ".hada_w1_b"};
  const std::string_view tensor = t.name;
  if (std::ranges::any_of(kDown, [&](std::string_view end) { return tensor.ends_with(end); })) return dimension(&t, 1);
  // A Kronecker product: its inputs are those of both factors, either of which may be a product itself.
  constexpr std::string_view kFactor = ".lokr_w1";
  const std::size_t at = tensor.rfind(kFactor);
  if (at == std::string_view::npos || !(tensor.ends_with(kFactor) || tensor.ends_with(".lokr_w1_b"))) return 0;
  const std::string layer(tensor.substr(0, at));
  const TensorInfo* second = names.exact(layer + ".lokr_w2");
  if (!second) second = names.exact(layer + ".lokr_w2_b");
  const std::uint64_t a = dimension(&t, 1), b = dimension(second, 1);
  return a <= 1 << 16 && b <= 1 << 16 ? a * b : 0;
}

struct Target {
  std::string base, evidence;
};

std::optional<Target> family_of_widths(const Clues& clues) {
  for (const TensorInfo* t : clues.names.all()) {
    const std::size_t attention = t->name.find("attn2");
    if (attention == std::string::npos || t->name.find("to_k", attention) == std::string::npos) continue;
    if (const auto family = family_of_context(inputs_of_layer(clues.names, *t)))
      return Target{std::string(family_name(*family)), clues.describe(*t)};
  }
  return std::nullopt;
}

// Names that only one family's LoRAs have.
struct FamilySign {
  std::string_view begins, base;
};
constexpr FamilySign kNetworks[] = {
    {"lora_unet_double_blocks_", "Flux"},
    {"lora_unet_single_blocks_", "Flux"},
    {"transformer.single_transformer_blocks.", "Flux"},
    {"diffusion_model.double_blocks.", "Flux"},
    {"lora_unet_joint_blocks_", "Stable Diffusion 3"},
    {"lora_prior_unet_", "Stable Cascade"},
};
// Flux and SD 3 have several text encoders as well, so these count only if no network tells.
constexpr FamilySign kEncoders[] = {
    {"lora_te1_", "Stable Diffusion XL"},
    {"lora_te2_", "Stable Diffusion XL"},
    {"text_encoder_2.", "Stable Diffusion XL"},
};

std::optional<Target> family_of_names(const Clues& clues) {
  for (const std::span<const FamilySign> signs :
       {std::span<const FamilySign>(kNetworks), std::span<const FamilySign>(kEncoders)})
    for (const FamilySign& sign : signs)
      if (const TensorInfo* t = clues.names.below(sign.begins))
        return Target{std::string(sign.base), clues.describe(*t)};
  // A text encoder alone.
  if (const TensorInfo* t = clues.names.between("lora_te_", "_self_attn_q_proj.lora_down.weight"))
    if (const auto family = family_of_context(dimension(t, 1)))
      return Target{std::string(family_name(*family)), clues.describe(*t)};
  return std::nullopt;
}

std::optional<Target> find_target(const Clues& clues) {
  if (auto found = family_of_widths(clues)) return found;
  if (auto found = family_of_names(clues)) return found;
  if (const auto said = family_in_metadata(clues.inventory)) return Target{std::string(said->base), said->evidence};
  return std::nullopt;
}

std::optional<Fact> rank_fact(const Clues& clues) {
  for (const TensorInfo* t : clues.names.all())
    if (t->name.ends_with(".lora_down.weight") || t->name.find(".lora_A.") != std::string::npos)
      return Fact{fmt::format("has rank {}", dimension(t, 0)), clues.describe(*t)};
  return std::nullopt;
}

}  // namespace

std::optional<Recognition> recognise_lora(const Clues& clues) {
  if (clues.names.exact("model.diffusion_model.input_blocks.0.0.weight") || clues.names.exact("lora_controlnet"))
    return std::nullopt;
  const auto sign = find_sign(clues.names);
  if (!sign) return std::nullopt;
  const auto target = find_target(clues);
  std::string what(sign->sign->what);
  if (target) what += " for " + target->base;
  Recognition found =
      recognised(ModelKind::lora, std::move(what), target ? target->base : "", clues.describe(*sign->tensor));
  if (target) {
    found.facts.push_back({"is for " + target->base, target->evidence});
    if (const auto said = family_in_metadata(clues.inventory); said && said->base != target->base)
      found.notes.push_back(fmt::format("its metadata says otherwise: {}", said->evidence));
  } else {
    found.notes.emplace_back("which family it is for cannot be told from it");
  }
  const auto scales = [](const TensorInfo* t) { return t->name.ends_with(".dora_scale"); };
  found.can_be_merged = sign->sign->low_rank && std::ranges::none_of(clues.names.all(), scales);
  if (!found.can_be_merged) found.notes.emplace_back("safelight merge cannot add it to a model: it knows plain LoRA");
  if (auto rank = rank_fact(clues)) found.facts.push_back(*std::move(rank));
  return found;
}

}  // namespace safelight

// What stands beside a checkpoint: ControlNets, adapters, learned words, hypernetworks.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "models/recognisers.h"

namespace safelight {
namespace {

// A name that settles it: exactly this, or how it begins. The first row that matches counts.
struct Sign {
  ModelKind kind;
  std::string_view what;
  std::string_view begins;
};
constexpr Sign kSigns[] = {
    {ModelKind::controlnet, "a Control-LoRA", "lora_controlnet"},
    {ModelKind::controlnet, "a ControlNet-LLLite", "lllite_unet"},
    {ModelKind::controlnet, "a ControlNet", "control_model."},
    {ModelKind::controlnet, "a ControlNet", "controlnet_cond_embedding."},
    {ModelKind::controlnet, "a ControlNet", "input_hint_block."},
    {ModelKind::controlnet, "a ControlNet", "zero_convs."},
    {ModelKind::adapter, "a T2I adapter", "adapter.body."},
    {ModelKind::adapter, "a T2I adapter", "body.0.in_conv."},
    {ModelKind::adapter, "a T2I adapter", "body.0.resnets."},
    {ModelKind::adapter, "an IP adapter", "ip_adapter."},
    {ModelKind::other, "a GLIGEN model", "position_net."},
    {ModelKind::other, "an AnimateDiff motion module", "down_blocks.0.motion_modules."},
};

// By the width of the text that it attends to.
std::string family_attended_to(const TensorNames& names) {
  constexpr std::string_view kEnds[] = {".attn2.to_k.weight", ".to_k_ip.weight"};
  for (const TensorInfo* t : names.all())
    if (std::ranges::any_of(kEnds, [&](std::string_view end) { return t->name.ends_with(end); }))
      if (const auto family = family_of_context(dimension(t, 1))) return std::string(family_name(*family));
  return "";
}

std::optional<Recognition> recognise_control(const Clues& clues) {
  for (const Sign& sign : kSigns) {
    const TensorInfo* t = clues.names.below(sign.begins);
    if (!t) continue;
    const std::string base = family_attended_to(clues.names);
    std::string what(sign.what);
    if (!base.empty()) what += " for " + base;
    return recognised(sign.kind, std::move(what), base, clues.describe(*t));
  }
  return std::nullopt;
}

bool holds_floats(const TensorInfo& t) {
  constexpr std::array kTypes = {DType::F64, DType::F32, DType::F16, DType::BF16};
  return std::ranges::find(kTypes, t.dtype) != kTypes.end();
}

// Learned vectors of this width stand in place of words in these families.
std::string_view family_of_words(std::uint64_t width) {
  switch (width) {
    case 768:
      return "Stable Diffusion 1";
    case 1024:
      return "Stable Diffusion 2";
    case 1280:
      return "Stable Diffusion XL";
    default:
      return {};
  }
}

// [width] is one vector, [n, width] are n.
std::uint64_t vectors(const TensorInfo& t) { return t.shape.size() == 2 ? t.shape[0] : t.shape.size() == 1 ? 1 : 0; }
std::uint64_t vector_width(const TensorInfo& t) { return t.shape.empty() ? 0 : t.shape.back(); }

Recognition embedding(const Clues& clues, const TensorInfo& t, std::string_view base) {
  std::string what = "a textual inversion";
  if (!base.empty()) what += fmt::format(" for {}", base);
  Recognition found = recognised(ModelKind::embedding, std::move(what), std::string(base), clues.describe(t));
  found.facts.push_back(
      {fmt::format("stands for {} token{}", vectors(t), vectors(t) == 1 ? "" : "s"), clues.describe(t)});
  return found;
}

// How programs save them: A1111 as emb_params or string_to_param, for SD XL as clip_l and clip_g; diffusers under the
// word itself.
std::optional<Recognition> recognise_embedding(const Clues& clues) {
  const TensorNames& names = clues.names;
  if (const TensorInfo* g = names.exact("clip_g"); g && names.exact("clip_l"))
    return embedding(clues, *g, family_name(Family::sdxl));
  for (const char* begin : {"emb_params", "string_to_param"})
    if (const TensorInfo* t = names.below(begin)) return embedding(clues, *t, family_of_words(vector_width(*t)));
  if (names.all().size() != 1) return std::nullopt;
  const TensorInfo& only = *names.all().front();
  const std::string_view base = family_of_words(vector_width(only));
  const std::uint64_t count = vectors(only);
  if (base.empty() || count < 1 || count > 75 || !holds_floats(only)) return std::nullopt;  // 75 tokens fit a prompt
  return embedding(clues, only, base);
}

// "768.0.linear.0.weight": layers for keys and values (0, 1) of each width of text and of attention.
std::optional<Recognition> recognise_hypernetwork(const Clues& clues) {
  for (const TensorInfo* t : clues.names.all()) {
    const std::string_view name = t->name;
    std::uint64_t width = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), width);
    if (error != std::errc() || width < 320 || width > 2048) return std::nullopt;
    const std::string_view rest = name.substr(static_cast<std::size_t>(end - name.data()));
    if (!rest.starts_with(".0.linear") && !rest.starts_with(".1.linear")) return std::nullopt;
  }
  if (clues.names.all().empty()) return std::nullopt;
  std::string base;
  for (const std::uint64_t width : {768, 1024, 2048})
    if (clues.names.below(fmt::format("{}.0.linear", width))) base = family_name(*family_of_context(width));
  std::string what = "a hypernetwork";
  if (!base.empty()) what += " for " + base;
  return recognised(ModelKind::hypernetwork, std::move(what), base, clues.describe(*clues.names.all().front()));
}

}  // namespace

std::optional<Recognition> recognise_companion(const Clues& clues) {
  if (auto found = recognise_control(clues)) return found;
  if (auto found = recognise_embedding(clues)) return found;
  return recognise_hypernetwork(clues);
}

}  // namespace safelight

// Stable Diffusion's UNets. The shapes that tell them apart:
//
//   first convolution   [width, inputs, 3, 3]   inputs: 4 plain, 9 inpainting, 8 edit, 5 depth, 7 upscaler
//   attn2.to_k          [., text]               text: 768 SD 1, 1024 SD 2, 2048 SD XL, 1280 its refiner
//   label embedding     [., vector]             vector: what SD XL knows besides the text
//
// Of the vector, SD XL takes 6 numbers of 256 values each and its refiner 5; the rest is the pooled text (section 2.3
// of the SDXL report, Podell et al. 2023).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "models/unet_clues.h"

namespace safelight {
namespace {

constexpr std::uint64_t kNumber = 256;  // values of one number of the vector

constexpr UNetNaming kLdmNaming{.first_conv = "input_blocks.0.0.weight",
                                .label = "label_emb.0.0.weight",
                                .out_attention_bias = "output_blocks.11.1.transformer_blocks.0.norm1.bias",
                                .lcm = "time_embed.cond_proj.weight",
                                .blocks = "input_blocks.",
                                .text_encoder = "cond_stage_model.",
                                .first_of_two = "conditioner.embedders.0.",
                                .second_of_two = "conditioner.embedders.1.",
                                .refiners = "conditioner.embedders.0.",
                                .vae_decoder = "first_stage_model.decoder.",
                                .vae_encoder = "first_stage_model.encoder."};
constexpr UNetNaming kDiffusersNaming{.first_conv = "conv_in.weight",
                                      .label = "add_embedding.linear_1.weight",
                                      .out_attention_bias = "up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias",
                                      .lcm = "time_embedding.cond_proj.weight",
                                      .blocks = "down_blocks.",
                                      .text_encoder = "text_encoder.",
                                      .first_of_two = "text_encoder.",
                                      .second_of_two = "text_encoder_2.",
                                      .refiners = "text_encoder_2.",
                                      .vae_decoder = "vae.decoder.",
                                      .vae_encoder = "vae.encoder."};

// The first place that has both, the first convolution and blocks, counts.
constexpr std::array kPlaces = {UNetPlace{"model.diffusion_model.", kLdmNaming},
                                UNetPlace{"diffusion_model.", kLdmNaming}, UNetPlace{"", kLdmNaming},
                                UNetPlace{"unet.", kDiffusersNaming}, UNetPlace{"", kDiffusersNaming}};

std::optional<UNetClues> find_unet(const Clues& clues) {
  for (const UNetPlace& place : kPlaces) {
    const std::string prefix(place.prefix);
    const TensorInfo* conv = clues.names.exact(prefix + std::string(place.naming.first_conv));
    if (conv && conv->shape.size() == 4 && clues.names.below(prefix + std::string(place.naming.blocks)))
      return UNetClues{clues, place, conv};
  }
  return std::nullopt;
}

// A network with such a UNet that is not used as Stable Diffusion's are.
struct Cousin {
  std::string what, base, evidence;
};

std::optional<Cousin> find_cousin(const UNetClues& u) {
  const std::string xl(family_name(Family::sdxl)), two(family_name(Family::sd2));
  if (const TensorInfo* t = u.has("edm_mean"))
    return Cousin{"a Playground 2.5 model (Stable Diffusion XL with other noise levels)", xl, u.describe(*t)};
  if (const TensorInfo* t = u.has("edm_vpred.sigma_max"))
    return Cousin{"a CosXL model (Stable Diffusion XL with other noise levels)", xl, u.describe(*t)};
  if (const TensorInfo* t = u.has("cc_projection.weight")) return Cousin{"a Zero123 model", "", u.describe(*t)};
  if (const TensorInfo* t = u.clues.names.holding(".time_stack."))
    return Cousin{"a Stable Video Diffusion model", "", u.describe(*t)};
  if (const TensorInfo* t = u.find(u.place.naming.lcm)) {
    const auto family = family_of_context(u.text());
    return Cousin{"a latent consistency model, which takes its guidance as an input",
                  family ? std::string(family_name(*family)) : "", u.describe(*t)};
  }
  if (const std::uint64_t vector = dimension(u.label, 1); u.text() == 1024 && (vector == 1536 || vector == 2048))
    return Cousin{"an unCLIP model (Stable Diffusion 2)", two, u.describe(*u.label)};
  if (u.inputs() == 5) return Cousin{"a depth-to-image model (Stable Diffusion 2)", two, u.describe(*u.first_conv)};
  if (u.inputs() == 7) return Cousin{"a 4x upscaler (Stable Diffusion 2)", two, u.describe(*u.first_conv)};
  return std::nullopt;
}

struct FoundFamily {
  Family family;
  std::string evidence;
};

// SD XL and its refiner are those that take a vector besides the text. Two text encoders are XL's; the refiner's only
// one is XL's second, and the vector has what that pools of the text.
std::optional<FoundFamily> family_with_vector(const UNetClues& u) {
  const TensorInfo* const first = u.below(u.place.naming.first_of_two);
  const TensorInfo* const second = u.below(u.place.naming.second_of_two);
  const std::uint64_t vector = dimension(u.label, 1);
  const bool only_pooled_text = u.label && u.to_k && vector == u.text() + 5 * kNumber;
  if (first && second) return FoundFamily{Family::sdxl, u.describe(u.label ? *u.label : *second)};
  if (const TensorInfo* open_clip = u.below("conditioner.embedders.0.model."))
    return FoundFamily{Family::sdxl_refiner, u.describe(*open_clip)};
  if (only_pooled_text || (u.label && dimension(u.first_conv, 0) == 384))
    return FoundFamily{Family::sdxl_refiner, u.describe(*u.label)};
  if (u.label && vector > 6 * kNumber) return FoundFamily{Family::sdxl, u.describe(*u.label)};
  if (const TensorInfo* embedder = u.below("conditioner.embedders."))
    return FoundFamily{Family::sdxl, u.describe(*embedder)};
  return std::nullopt;
}

std::optional<FoundFamily> find_family(const UNetClues& u) {
  if (auto found = family_with_vector(u)) return found;
  if (u.text() == 1024) return FoundFamily{Family::sd2, u.describe(*u.to_k)};
  if (u.text() == 768) return FoundFamily{Family::sd1, u.describe(*u.to_k)};
  // Widths that no published model has.
  if (const auto said = family_in_metadata(u.clues.inventory); said && said->family)
    return FoundFamily{*said->family, said->evidence};
  if (const TensorInfo* t = u.below("cond_stage_model.model.")) return FoundFamily{Family::sd2, u.describe(*t)};
  if (const TensorInfo* t = u.below("cond_stage_model.transformer.")) return FoundFamily{Family::sd1, u.describe(*t)};
  if (u.to_k && u.proj_in)
    return FoundFamily{u.proj_in->shape.size() == 4 ? Family::sd1 : Family::sd2, u.describe(*u.proj_in)};
  return std::nullopt;
}

// Transformer blocks in each place of the way down: "2, 2, 10, 10" for SD XL.
std::string depths(const UNetClues& u) {
  const std::string prefix = std::string(u.place.prefix) + std::string(u.place.naming.blocks);
  constexpr std::string_view kBlocks = ".transformer_blocks.";
  std::vector<std::pair<std::string_view, std::map<std::string_view, int>>> places;
  for (const TensorInfo* t : u.clues.names.all_below(prefix)) {
    const std::string_view tensor = t->name;
    const std::size_t at = tensor.find(kBlocks);
    if (at == std::string_view::npos || !tensor.ends_with(".attn2.to_k.weight")) continue;
    const std::string_view place = tensor.substr(0, at);
    const std::string_view block =
        tensor.substr(at + kBlocks.size(), tensor.find('.', at + kBlocks.size()) - at - kBlocks.size());
    if (places.empty() || places.back().first != place) places.push_back({place, {}});
    ++places.back().second[block];
  }
  std::vector<std::size_t> counts;
  counts.reserve(places.size());
  for (const auto& [place, blocks] : places) counts.push_back(blocks.size());
  return fmt::format("{}", fmt::join(counts, ", "));
}

// Relatives of SD XL that differ in depth alone.
std::string_view slimmer_name(std::string_view depths) {
  constexpr std::pair<std::string_view, std::string_view> kSlimmer[] = {
      {"2, 2, 4, 4", "SSD-1B"}, {"1, 1, 2, 2", "Segmind Vega"}, {"2, 5", "KOALA-700M"}, {"2, 6", "KOALA-1B"}};
  for (const auto& [list, slimmer] : kSlimmer)
    if (list == depths) return slimmer;
  return {};
}

CarriedPart part_below(const Clues& clues, std::string name, std::string_view prefix) {
  CarriedPart part{.name = std::move(name)};
  const auto tensors = clues.names.all_below(prefix);
  part.tensors = tensors.size();
  for (const TensorInfo* t : tensors) part.bytes += t->bytes();
  part.types = shares_of(tensors);
  return part;
}

std::string encoder_part(const Clues& clues, std::string_view prefix) {
  const TensorInfo* t = clues.names.between(prefix, "token_embedding.weight");
  return t ? "text encoder " + text_encoder_name(dimension(t, 1)) : "text encoder";
}

// What a family needs besides the UNet: where it is, and what it is called if it is not there.
std::vector<std::pair<std::string_view, std::string>> text_encoders_of(Family family, const UNetNaming& naming) {
  switch (family) {
    case Family::sdxl:
      return {{naming.first_of_two, "text encoder " + text_encoder_name(768)},
              {naming.second_of_two, "text encoder " + text_encoder_name(1280)}};
    case Family::sdxl_refiner:
      return {{naming.refiners, "text encoder"}};
    default:
      return {{naming.text_encoder, "text encoder"}};
  }
}

void add_parts(const UNetClues& u, Recognition& found) {
  const Clues& clues = u.clues;
  const auto add = [&](std::string part, std::string_view prefix) {
    if (!clues.names.below(prefix)) return false;
    found.parts.push_back(part_below(clues, std::move(part), prefix));
    return true;
  };
  const UNetNaming& naming = u.place.naming;
  add("UNet", u.place.prefix);
  for (auto& [prefix, missing] : text_encoders_of(*found.family, naming))
    if (!add(encoder_part(clues, prefix), prefix)) found.lacks.push_back(std::move(missing));
  if (!add("VAE decoder", naming.vae_decoder)) found.lacks.emplace_back("VAE decoder");
  if (!add("VAE encoder", naming.vae_encoder)) found.lacks.emplace_back("VAE encoder");
  found.kind = found.parts.size() == 1 ? ModelKind::unet : ModelKind::checkpoint;
  add("EMA weights, which are not used", "model_ema.");
}

// "a Stable Diffusion 1 inpainting model that predicts v without its VAE decoder".
std::string say_what(const Recognition& found, std::string_view slimmer) {
  const std::string base = slimmer.empty() ? found.base : fmt::format("{} ({})", found.base, slimmer);
  std::string text;
  switch (found.task) {
    case ModelTask::generate:
      text = found.family == Family::sdxl_refiner ? fmt::format("a {}", base) : fmt::format("a {} checkpoint", base);
      break;
    case ModelTask::inpaint:
      text = fmt::format("a {} inpainting model", base);
      break;
    case ModelTask::edit:
      text = fmt::format("a {} edit model (InstructPix2Pix)", base);
      break;
  }
  if (found.prediction == Prediction::v) text += " that predicts v";
  if (found.kind == ModelKind::unet) return text + ", the UNet alone";
  if (!found.lacks.empty()) text += fmt::format(" without its {}", fmt::join(found.lacks, ", "));
  return text;
}

std::optional<ModelTask> task_of(std::uint64_t inputs) {
  switch (inputs) {
    case 4:
      return ModelTask::generate;
    case 8:
      return ModelTask::edit;
    case 9:
      return ModelTask::inpaint;
    default:
      return std::nullopt;
  }
}

std::string_view task_claim(ModelTask task) {
  switch (task) {
    case ModelTask::generate:
      return "makes pictures from texts";
    case ModelTask::inpaint:
      return "fills holes in pictures";
    case ModelTask::edit:
      return "edits pictures by instruction";
  }
  return {};
}

}  // namespace

std::optional<Recognition> recognise_unet(const Clues& clues) {
  const std::optional<UNetClues> u = find_unet(clues);
  if (!u) return std::nullopt;
  const ModelKind kind = clues.names.below(u->place.naming.vae_decoder) ? ModelKind::checkpoint : ModelKind::unet;
  if (const auto cousin = find_cousin(*u)) return recognised(kind, cousin->what, cousin->base, cousin->evidence);
  const auto task = task_of(u->inputs());
  if (!task) return recognised(kind, "a UNet of an unknown kind", "", u->describe(*u->first_conv));
  const auto family = find_family(*u);
  if (!family)
    return recognised(kind, "a UNet of an unknown family", "", u->describe(u->to_k ? *u->to_k : *u->first_conv));
  const FoundPrediction prediction = find_prediction(*u, family->family);

  Recognition found{.family = family->family,
                    .task = *task,
                    .prediction = prediction.prediction,
                    .zero_terminal_snr = prediction.zero_terminal_snr,
                    .base = std::string(family_name(family->family))};
  add_parts(*u, found);
  const std::string depth = depths(*u);
  const std::string_view slimmer = family->family == Family::sdxl ? slimmer_name(depth) : "";
  found.what = say_what(found, slimmer);
  // The first fact is what an error message quotes: the most special one.
  found.evidence = *task != ModelTask::generate             ? u->describe(*u->first_conv)
                   : prediction.prediction == Prediction::v ? prediction.evidence
                                                            : family->evidence;
  found.facts = {{"is of the family " + found.base, family->evidence},
                 {std::string(task_claim(*task)), u->describe(*u->first_conv)},
                 {prediction.prediction == Prediction::v ? "predicts v" : "predicts noise", prediction.evidence}};
  const std::optional<SaidPrediction>& beside = clues.inventory.said;
  if (const TensorInfo* t = u->has("ztsnr"); found.zero_terminal_snr)
    found.facts.push_back({"ends in noise alone (zero terminal SNR)", t ? u->describe(*t) : beside->by});
  if (beside && beside->prediction != prediction.prediction)
    found.notes.push_back(fmt::format("{}, but what its own file says counts", beside->by));
  if (!slimmer.empty())
    found.facts.push_back(
        {fmt::format("is {}", slimmer), "transformer blocks in each place of the way down: " + depth});
  return found;
}

}  // namespace safelight

#include "models/recognise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/printable.h"
#include "models/recognisers.h"

namespace safelight {
namespace {

constexpr std::array kKinds = {
    std::pair{ModelKind::checkpoint, "checkpoint"},
    std::pair{ModelKind::unet, "unet"},
    std::pair{ModelKind::vae, "vae"},
    std::pair{ModelKind::tiny_vae, "tiny-vae"},
    std::pair{ModelKind::text_encoder, "text-encoder"},
    std::pair{ModelKind::image_encoder, "image-encoder"},
    std::pair{ModelKind::lora, "lora"},
    std::pair{ModelKind::embedding, "embedding"},
    std::pair{ModelKind::hypernetwork, "hypernetwork"},
    std::pair{ModelKind::controlnet, "controlnet"},
    std::pair{ModelKind::adapter, "adapter"},
    std::pair{ModelKind::upscaler, "upscaler"},
    std::pair{ModelKind::other, "other"},
    std::pair{ModelKind::unknown, "unknown"},
};

// The facts of a family that names and widths tell.
struct FamilyRow {
  Family family;
  std::string_view name;
  std::uint64_t context;  // width of the text that its UNet attends to
};
constexpr FamilyRow kFamilies[] = {
    {Family::sd1, "Stable Diffusion 1", 768},
    {Family::sd2, "Stable Diffusion 2", 1024},
    {Family::sdxl, "Stable Diffusion XL", 2048},
    {Family::sdxl_refiner, "Stable Diffusion XL refiner", 1280},
};

// What metadata calls the families, by how the value begins. The first row that fits counts.
struct SaidRow {
  const char* key;
  std::string_view begins;
  std::string_view base;
  std::optional<Family> family;
};
constexpr SaidRow kSaid[] = {
    {"modelspec.architecture", "stable-diffusion-v1", "Stable Diffusion 1", Family::sd1},
    {"modelspec.architecture", "stable-diffusion-v2", "Stable Diffusion 2", Family::sd2},
    {"modelspec.architecture", "stable-diffusion-xl-v1-refiner", "Stable Diffusion XL refiner", Family::sdxl_refiner},
    {"modelspec.architecture", "stable-diffusion-xl", "Stable Diffusion XL", Family::sdxl},
    {"modelspec.architecture", "stable-diffusion-3", "Stable Diffusion 3", {}},
    {"modelspec.architecture", "stable-diffusion-v3", "Stable Diffusion 3", {}},
    {"modelspec.architecture", "flux", "Flux", {}},
    {"ss_base_model_version", "sd_v1", "Stable Diffusion 1", Family::sd1},
    {"ss_base_model_version", "sd_v2", "Stable Diffusion 2", Family::sd2},
    {"ss_base_model_version", "sd_1", "Stable Diffusion 1", Family::sd1},
    {"ss_base_model_version", "sd_2", "Stable Diffusion 2", Family::sd2},
    {"ss_base_model_version", "sdxl", "Stable Diffusion XL", Family::sdxl},
    {"ss_base_model_version", "sd3", "Stable Diffusion 3", {}},
    {"ss_base_model_version", "flux", "Flux", {}},
};

Recognition recognise_unknown(const Clues& clues) {
  const std::span<const TensorInfo> tensors = clues.inventory.tensors;
  if (tensors.empty()) return recognised(ModelKind::other, "a file without tensors", "", "its header names none");
  return recognised(ModelKind::unknown, "of an unknown kind", "",
                    fmt::format("no name is one that is known; the first of {} is {}", tensors.size(),
                                clues.describe(tensors.front())));
}

}  // namespace

std::string_view name(ModelKind kind) noexcept {
  return std::ranges::find(kKinds, kind, [](const auto& row) { return row.first; })->second;
}

std::optional<ModelKind> parse_model_kind(std::string_view text) noexcept {
  for (const auto& [kind, kind_name] : kKinds)
    if (kind_name == text) return kind;
  return std::nullopt;
}

std::vector<std::string> model_kind_names() {
  std::vector<std::string> names;
  names.reserve(kKinds.size());
  for (const auto& row : kKinds) names.emplace_back(row.second);
  return names;
}

std::string_view family_name(Family family) noexcept {
  return std::ranges::find(kFamilies, family, &FamilyRow::family)->name;
}

std::optional<Family> family_of_context(std::uint64_t width) noexcept {
  const auto row = std::ranges::find(kFamilies, width, &FamilyRow::context);
  return row == std::end(kFamilies) ? std::nullopt : std::optional(row->family);
}

std::string text_encoder_name(std::uint64_t width) {
  switch (width) {
    case 768:
      return "CLIP ViT-L/14";
    case 1024:
      return "OpenCLIP ViT-H/14";
    case 1280:
      return "OpenCLIP ViT-bigG/14";
    default:
      return fmt::format("of width {}", width);
  }
}

std::optional<SaidFamily> family_in_metadata(const Inventory& inventory) {
  for (const SaidRow& row : kSaid)
    if (const std::string_view value = inventory.meta(row.key); value.starts_with(row.begins))
      return SaidFamily{row.base, row.family, fmt::format("{} is {}", row.key, printable(value, 60))};
  return std::nullopt;
}

Recognition recognised(ModelKind kind, std::string what, std::string base, std::string evidence) {
  Recognition found{.what = std::move(what), .evidence = std::move(evidence), .kind = kind, .base = std::move(base)};
  found.facts.push_back({found.what, found.evidence});
  return found;
}

std::vector<TypeShare> shares_of(std::span<const TensorInfo* const> tensors) {
  std::vector<TypeShare> shares;
  for (const TensorInfo* t : tensors) {
    auto share = std::ranges::find(shares, t->dtype, &TypeShare::dtype);
    if (share == shares.end()) share = shares.insert(share, {.dtype = t->dtype});
    ++share->tensors;
    share->bytes += t->bytes();
  }
  std::ranges::stable_sort(shares, std::greater(), &TypeShare::bytes);
  return shares;
}

Recognition recognise(const Inventory& inventory) {
  const Clues clues(inventory);
  // What stands on a checkpoint's names (a LoRA, a ControlNet) comes before checkpoints, and its parts after them.
  constexpr std::array kRecognisers = {recognise_lora,           recognise_companion, recognise_unet,
                                       recognise_foreign_family, recognise_part,      recognise_upscaler};
  std::optional<Recognition> found;
  for (const auto recogniser : kRecognisers)
    if (found = recogniser(clues); found) break;
  if (!found) found = recognise_unknown(clues);
  found->types = shares_of(clues.names.all());
  return *std::move(found);
}

Recognition recognise(const SafeTensors& file) { return recognise(inventory_of(file)); }

Recognition recognise(const Checkpoint& checkpoint) {
  Inventory inventory{.tensors = checkpoint.tensors(),
                      .metadata = &checkpoint.metadata(),
                      .read = [&](const TensorInfo& info) { return checkpoint.tensor(info); },
                      .name_in_file = [&](const TensorInfo& info) { return checkpoint.name_in_file(info); }};
  inventory.said = checkpoint.facts().said;
  return recognise(inventory);
}

}  // namespace safelight

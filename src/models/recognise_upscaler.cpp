// Networks that enlarge pictures, and by how much where the shapes tell.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "models/recognisers.h"

namespace safelight {
namespace {

// "" if it is not told.
std::string by_factor(std::uint64_t factor) { return factor ? fmt::format(", {}x", factor) : ""; }

Recognition upscaler(const Clues& clues, std::string_view name, std::uint64_t factor, const TensorInfo& sign) {
  return recognised(ModelKind::upscaler, fmt::format("an upscaler ({}{})", name, by_factor(factor)), "",
                    clues.describe(sign));
}

// The number that follows "model." or "body." in the last of the layers that are numbered there.
std::uint64_t last_number(const TensorNames& names, std::string_view prefix) {
  std::uint64_t last = 0;
  for (const TensorInfo* t : names.all_below(prefix)) {
    std::uint64_t number = 0;
    const std::string_view rest = std::string_view(t->name).substr(prefix.size());
    if (std::from_chars(rest.data(), rest.data() + rest.size(), number).ec == std::errc())
      last = std::max(last, number);
  }
  return last;
}

// ESRGAN as it was first published: model.0, model.1 with the blocks, three layers for every doubling, two at the end.
std::optional<Recognition> old_esrgan(const Clues& clues) {
  const TensorNames& names = clues.names;
  const TensorInfo* t = names.below("model.1.sub.0.RDB1.");
  if (!t) return std::nullopt;
  const std::uint64_t last = last_number(names, "model.");
  const bool fits = last >= 4 && last <= 16 && (last - 4) % 3 == 0;
  return upscaler(clues, "ESRGAN", fits ? std::uint64_t{1} << (last - 4) / 3 : 0, *t);
}

// Real-ESRGAN: doublings are conv_up1, conv_up2, ...; a first layer of 12 or 48 channels halves the picture before,
// once or twice.
std::optional<Recognition> new_esrgan(const Clues& clues) {
  const TensorNames& names = clues.names;
  const TensorInfo* t = names.below("body.0.rdb1.");
  const TensorInfo* first = names.exact("conv_first.weight");
  if (!t || !first) return std::nullopt;
  std::uint64_t factor = 1;
  for (int i = 1; i <= 4 && names.below(fmt::format("conv_up{}.", i)); ++i) factor *= 2;
  const std::uint64_t inputs = dimension(first, 1);
  if (inputs == 12) factor /= 2;
  if (inputs == 48) factor /= 4;
  return upscaler(clues, "ESRGAN", factor, *t);
}

// Real-ESRGAN's small network: convolutions and activations alternate; the last makes 3 channels for each new pixel.
std::optional<Recognition> compact(const Clues& clues) {
  const TensorNames& names = clues.names;
  const TensorInfo* first = names.exact("body.0.weight");
  const TensorInfo* activation = names.exact("body.1.weight");
  if (!first || !activation || first->shape.size() != 4 || dimension(first, 1) != 3 || activation->shape.size() != 1)
    return std::nullopt;
  const TensorInfo* last = names.exact(fmt::format("body.{}.weight", last_number(names, "body.")));
  const std::uint64_t area = dimension(last, 0) / 3;
  const auto factor =
      static_cast<std::uint64_t>(std::lround(std::sqrt(static_cast<double>(std::min<std::uint64_t>(area, 256)))));
  return upscaler(clues, "Real-ESRGAN compact", factor * factor == area ? factor : 0, *first);
}

struct Sign {
  std::string_view name, begins;
};
constexpr Sign kSigns[] = {
    {"HAT", "layers.0.residual_group.blocks.0.conv_block."},
    {"SwinIR", "layers.0.residual_group.blocks."},
    {"DAT", "before_RG."},
    {"SPAN", "block_1.c1_r."},
};

}  // namespace

std::optional<Recognition> recognise_upscaler(const Clues& clues) {
  for (const auto recogniser : {old_esrgan, new_esrgan, compact})
    if (auto found = recogniser(clues)) return found;
  for (const Sign& sign : kSigns)
    if (const TensorInfo* t = clues.names.below(sign.begins)) return upscaler(clues, sign.name, 0, *t);
  if (const TensorInfo* t = clues.names.exact("conv_first.weight")) return upscaler(clues, "of an unknown kind", 0, *t);
  return std::nullopt;
}

}  // namespace safelight

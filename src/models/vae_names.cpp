#include "models/vae_names.h"

#include <fmt/format.h>

#include <array>
#include <span>

#include "core/take.h"

namespace safelight {
namespace {

struct Renamed {
  std::string_view diffusers, ldm;
};

// Outside the blocks.
constexpr std::array<Renamed, 3> kTrunk{
    {{"conv_in", "conv_in"}, {"conv_norm_out", "norm_out"}, {"conv_out", "conv_out"}}};

constexpr std::array<Renamed, 5> kResnet{{{"norm1", "norm1"},
                                          {"conv1", "conv1"},
                                          {"norm2", "norm2"},
                                          {"conv2", "conv2"},
                                          {"conv_shortcut", "nin_shortcut"}}};

// The second name of each is that of files before diffusers 0.17.
constexpr std::array<Renamed, 9> kAttention{{{"group_norm", "norm"},
                                             {"to_q", "q"},
                                             {"query", "q"},
                                             {"to_k", "k"},
                                             {"key", "k"},
                                             {"to_v", "v"},
                                             {"value", "v"},
                                             {"to_out.0", "proj_out"},
                                             {"proj_attn", "proj_out"}}};

std::optional<std::string> member(const std::string& place, std::span<const Renamed> table, std::string_view name) {
  for (const Renamed& row : table)
    if (row.diffusers == name) return fmt::format("{}.{}", place, row.ldm);
  return std::nullopt;
}

// Residual, attention, residual.
std::optional<std::string> middle(const std::string& half, std::string_view rest) {
  if (take(rest, "attentions.0.")) return member(half + ".mid.attn_1", kAttention, rest);
  if (!take(rest, "resnets.")) return std::nullopt;
  const auto index = take_number(rest);
  if (!index || *index > 1) return std::nullopt;
  return member(fmt::format("{}.mid.block_{}", half, *index + 1), kResnet, rest);
}

// What a level is made of, but for the change of size.
std::optional<std::string> block(const std::string& level, std::string_view rest) {
  if (!take(rest, "resnets.")) return std::nullopt;
  const auto index = take_number(rest);
  return index ? member(fmt::format("{}.block.{}", level, *index), kResnet, rest) : std::nullopt;
}

}  // namespace

std::optional<std::string> ldm_vae_module(std::string_view module, int decoder_levels) {
  if (module == "quant_conv" || module == "post_quant_conv") return std::string(module);
  const bool encoder = take(module, "encoder.");
  if (!encoder && !take(module, "decoder.")) return std::nullopt;
  const std::string half = encoder ? "encoder" : "decoder";
  if (take(module, "mid_block.")) return middle(half, module);
  if (!take(module, encoder ? "down_blocks." : "up_blocks.")) return member(half, kTrunk, module);
  const auto level = take_number(module);
  if (!level || (!encoder && *level >= decoder_levels)) return std::nullopt;
  const std::string place =
      encoder ? fmt::format("encoder.down.{}", *level) : fmt::format("decoder.up.{}", decoder_levels - 1 - *level);
  if (module == (encoder ? "downsamplers.0.conv" : "upsamplers.0.conv"))
    return place + (encoder ? ".downsample.conv" : ".upsample.conv");
  return block(place, module);
}

}  // namespace safelight

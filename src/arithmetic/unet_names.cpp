#include "arithmetic/unet_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/take.h"

namespace safelight {
namespace {

// Of a name that means anything: bounds what is counted up to a number in a name.
constexpr int kMostLevels = 64, kMostBlocks = 64;

struct Renamed {
  std::string_view ldm, diffusers;
};

// Inside a residual block.
constexpr std::array<Renamed, 6> kResnet{{{"in_layers.0", "norm1"},
                                          {"in_layers.2", "conv1"},
                                          {"emb_layers.1", "time_emb_proj"},
                                          {"out_layers.0", "norm2"},
                                          {"out_layers.3", "conv2"},
                                          {"skip_connection", "conv_shortcut"}}};

// Outside the blocks.
constexpr std::array<Renamed, 7> kTrunk{{{"input_blocks.0.0", "conv_in"},
                                         {"time_embed.0", "time_embedding.linear_1"},
                                         {"time_embed.2", "time_embedding.linear_2"},
                                         {"label_emb.0.0", "add_embedding.linear_1"},
                                         {"label_emb.0.2", "add_embedding.linear_2"},
                                         {"out.0", "conv_norm_out"},
                                         {"out.2", "conv_out"}}};

using Column = std::string_view Renamed::*;

std::optional<std::string> renamed(std::span<const Renamed> table, Column from, Column to, std::string_view name) {
  for (const Renamed& row : table)
    if (row.*from == name) return std::string(row.*to);
  return std::nullopt;
}

// The member `rest` of the block `place`: of a residual block, or of a transformer, whose members have the same names.
std::optional<std::string> resnet(const std::string& place, Column from, Column to, std::string_view rest) {
  const auto member = renamed(kResnet, from, to, rest);
  return member ? std::optional(place + "." + *member) : std::nullopt;
}
std::optional<std::string> transformer(const std::string& place, std::string_view rest) {
  return rest.empty() ? std::nullopt : std::optional(fmt::format("{}.{}", place, rest));
}

// Numbers in a row, of `counts` and `more` to each level, and levels with numbers of their own.
struct Numbering {
  const std::vector<int>& counts;
  int more;

  struct Place {
    int level, index;
  };

  // REQUIRES: number >= 0, counts is not empty.
  Place place(int number) const {
    int level = 0;
    for (; level + 1 < static_cast<int>(counts.size()) && number >= size(level); ++level) number -= size(level);
    return {level + number / size(level), number % size(level)};
  }

  // REQUIRES: 0 <= level < kMostLevels.
  int number(Place place) const {
    int sum = place.index;
    for (int level = 0; level < place.level; ++level) sum += size(level);
    return sum;
  }

  // At least 1, so that it can be divided by.
  int size(int level) const { return std::max(1, count(level) + more); }
  int count(int level) const { return counts[std::min(static_cast<std::size_t>(level), counts.size() - 1)]; }
};

// Block 0 is the first convolution. On the way down a level ends with what halves the size, if it is not the last; on
// the way up what doubles it is the last part of the level's last block.
Numbering down_blocks(const UnetLevels& levels) { return {levels.down, 1}; }
Numbering up_blocks(const UnetLevels& levels) { return {levels.up, 0}; }

std::optional<std::string> input_block(int block, int part, std::string_view rest, const UnetLevels& levels) {
  if (block < 1) return std::nullopt;
  const Numbering numbering = down_blocks(levels);
  const auto [level, index] = numbering.place(block - 1);
  if (index == numbering.count(level)) {
    if (part == 0 && rest == "op") return fmt::format("down_blocks.{}.downsamplers.0.conv", level);
    return std::nullopt;
  }
  if (part == 0)
    return resnet(fmt::format("down_blocks.{}.resnets.{}", level, index), &Renamed::ldm, &Renamed::diffusers, rest);
  if (part == 1) return transformer(fmt::format("down_blocks.{}.attentions.{}", level, index), rest);
  return std::nullopt;
}

std::optional<std::string> output_block(int block, int part, std::string_view rest, const UnetLevels& levels) {
  const auto [level, index] = up_blocks(levels).place(block);
  if (part > 0 && rest == "conv") return fmt::format("up_blocks.{}.upsamplers.0.conv", level);
  if (part == 0)
    return resnet(fmt::format("up_blocks.{}.resnets.{}", level, index), &Renamed::ldm, &Renamed::diffusers, rest);
  if (part == 1) return transformer(fmt::format("up_blocks.{}.attentions.{}", level, index), rest);
  return std::nullopt;
}

// Residual, transformer, residual; the smaller relatives of XL have the first alone.
std::optional<std::string> middle_block(int part, std::string_view rest) {
  if (part == 1) return transformer("mid_block.attentions.0", rest);
  if (part == 0 || part == 2)
    return resnet(fmt::format("mid_block.resnets.{}", part / 2), &Renamed::ldm, &Renamed::diffusers, rest);
  return std::nullopt;
}

// "resnets.0.norm1" of the block that is called `block`, "mid_block.attentions.0" and so on.
std::optional<std::string> ldm_member(const std::string& block, int part, bool is_resnet, std::string_view rest) {
  const std::string place = fmt::format("{}.{}", block, part);
  return is_resnet ? resnet(place, &Renamed::diffusers, &Renamed::ldm, rest) : transformer(place, rest);
}

std::optional<std::string> ldm_middle(std::string_view module) {
  const bool is_resnet = take(module, "resnets.");
  if (!is_resnet && !take(module, "attentions.")) return std::nullopt;
  const auto index = take_number(module);
  if (!index || *index > (is_resnet ? 1 : 0)) return std::nullopt;
  return ldm_member("middle_block", is_resnet ? 2 * *index : 1, is_resnet, module);
}

std::optional<std::string> ldm_down(int level, std::string_view module, const UnetLevels& levels) {
  const Numbering numbering = down_blocks(levels);
  if (module == "downsamplers.0.conv")
    return fmt::format("input_blocks.{}.0.op", 1 + numbering.number({level, numbering.count(level)}));
  const bool is_resnet = take(module, "resnets.");
  if (!is_resnet && !take(module, "attentions.")) return std::nullopt;
  const auto index = take_number(module);
  if (!index || *index >= numbering.count(level)) return std::nullopt;
  return ldm_member(fmt::format("input_blocks.{}", 1 + numbering.number({level, *index})), is_resnet ? 0 : 1, is_resnet,
                    module);
}

std::optional<std::string> ldm_up(int level, std::string_view module, const UnetLevels& levels) {
  const Numbering numbering = up_blocks(levels);
  if (module == "upsamplers.0.conv") {
    const auto place = static_cast<std::size_t>(level);
    const bool attends = place < levels.up_attends.size() && levels.up_attends[place];
    return fmt::format("output_blocks.{}.{}.conv", numbering.number({level, numbering.size(level) - 1}),
                       attends ? 2 : 1);
  }
  const bool is_resnet = take(module, "resnets.");
  if (!is_resnet && !take(module, "attentions.")) return std::nullopt;
  const auto index = take_number(module);
  if (!index || *index >= numbering.count(level)) return std::nullopt;
  return ldm_member(fmt::format("output_blocks.{}", numbering.number({level, *index})), is_resnet ? 0 : 1, is_resnet,
                    module);
}

// Residual blocks of each level on one way, and the highest of them that has a transformer, -1 if none.
struct Way {
  std::vector<int> resnets, last_attention;

  void read(std::string_view below) {
    const auto level = take_number(below);
    const bool is_resnet = take(below, "resnets.");
    if (!level || *level >= kMostLevels || (!is_resnet && !take(below, "attentions."))) return;
    const auto index = take_number(below);
    if (!index || *index >= kMostBlocks) return;
    const auto place = static_cast<std::size_t>(*level);
    if (resnets.size() <= place) {
      resnets.resize(place + 1);
      last_attention.resize(place + 1, -1);
    }
    if (is_resnet)
      resnets[place] = std::max(resnets[place], *index + 1);
    else
      last_attention[place] = std::max(last_attention[place], *index);
  }
};

}  // namespace

UnetLevels levels_of_diffusers_unet(std::span<const std::string_view> names) {
  Way down, up;
  for (std::string_view name : names) {
    if (take(name, "down_blocks."))
      down.read(name);
    else if (take(name, "up_blocks."))
      up.read(name);
  }
  UnetLevels levels;
  for (std::size_t i = 0; i < up.resnets.size(); ++i)
    levels.up_attends.push_back(up.last_attention[i] >= 0 && up.last_attention[i] + 1 == up.resnets[i]);
  if (!down.resnets.empty()) levels.down = std::move(down.resnets);
  if (!up.resnets.empty()) levels.up = std::move(up.resnets);
  return levels;
}

std::optional<std::string> diffusers_unet_module(std::string_view module, const UnetLevels& levels) {
  if (auto name = renamed(kTrunk, &Renamed::ldm, &Renamed::diffusers, module)) return name;
  const bool input = take(module, "input_blocks."), output = !input && take(module, "output_blocks.");
  if (!input && !output) {
    if (!take(module, "middle_block.")) return std::nullopt;
    const auto part = take_number(module);
    return part ? middle_block(*part, module) : std::nullopt;
  }
  const auto block = take_number(module);
  const auto part = block ? take_number(module) : std::nullopt;
  if (!part) return std::nullopt;
  return input ? input_block(*block, *part, module, levels) : output_block(*block, *part, module, levels);
}

std::optional<std::string> ldm_unet_module(std::string_view module, const UnetLevels& levels) {
  if (auto name = renamed(kTrunk, &Renamed::diffusers, &Renamed::ldm, module)) return name;
  if (take(module, "mid_block.")) return ldm_middle(module);
  const bool down = take(module, "down_blocks.");
  if (!down && !take(module, "up_blocks.")) return std::nullopt;
  const auto level = take_number(module);
  if (!level || *level >= kMostLevels) return std::nullopt;
  return down ? ldm_down(*level, module, levels) : ldm_up(*level, module, levels);
}

}  // namespace safelight

// What the modules of a UNet are called in the two layouts that there are: ldm's, of single files, and diffusers'.
//
//   input_blocks.4.1.proj_in    down_blocks.1.attentions.0.proj_in
//
// ldm numbers the blocks of all levels in a row, diffusers within each level; inside a transformer both say the same.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace safelight {

// How many residual blocks each level has, on which the numbers depend. As it is made by default, it is right for SD
// 1.x, 2.x and XL with any number of levels.
struct UnetLevels {
  // In the order of diffusers' names: down from the full size, up from the smallest. Levels beyond the last are like
  // it.
  std::vector<int> down{2}, up{3};
  // Of each level on the way up, whether its last block has a transformer: ldm puts what doubles the size behind it.
  // Only ldm_unet_module() looks at it. Levels beyond the last have none.
  std::vector<bool> up_attends{};
};

// From the names of a UNet's tensors in diffusers' layout; other names are passed over.
UnetLevels levels_of_diffusers_unet(std::span<const std::string_view> names);

// "input_blocks.1.1.proj_in" -> "down_blocks.0.attentions.0.proj_in", and back; nothing if there is no such module.
std::optional<std::string> diffusers_unet_module(std::string_view ldm_module, const UnetLevels& levels = {});
std::optional<std::string> ldm_unet_module(std::string_view diffusers_module, const UnetLevels& levels);

}  // namespace safelight

// What the tensors of a VAE are called in diffusers' layout, in terms of ldm's:
//
//   decoder.up_blocks.0.resnets.2.conv1.weight    decoder.up.3.block.2.conv1.weight
//
// ldm numbers the decoder's levels from the full size, diffusers in the order in which they run.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace safelight {

// A module's name without ".weight" or ".bias", below the VAE's place; nothing if there is no such module. The
// attention's older names (query, key, value, proj_attn) are understood too. `decoder_levels`: how many the decoder
// has.
std::optional<std::string> ldm_vae_module(std::string_view diffusers_module, int decoder_levels);

}  // namespace safelight

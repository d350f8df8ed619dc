// The weights of each network in the files that the model was opened from.
#pragma once

#include <cstdint>

#include "models/stable_diffusion.h"

namespace safelight {

enum class NetworkPart { text_encoder, unet, vae_encoder, vae_decoder };

std::uint64_t weight_bytes(const StableDiffusion& networks, NetworkPart part);

// The type of most of the UNet's bytes.
DType unet_type(const StableDiffusion& networks);

// Takes their pages out of this process's memory: see format/residency.h.
void release_weights(const StableDiffusion& networks, NetworkPart part);
void release_all_weights(const StableDiffusion& networks);

}  // namespace safelight

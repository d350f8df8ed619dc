// How a picture grows between two passes.
#pragma once

#include <span>
#include <string_view>

#include "diffusion/name_table.h"

namespace safelight {

enum class Upscaler {
  latent,   // its latents, bilinear: nothing is decoded in between
  lanczos,  // its pixels
};

struct UpscalerInfo {
  Upscaler upscaler;
  Names names;
};
std::span<const UpscalerInfo> upscalers() noexcept;
const UpscalerInfo& info(Upscaler upscaler) noexcept;

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
Upscaler parse_upscaler(std::string_view name);

}  // namespace safelight

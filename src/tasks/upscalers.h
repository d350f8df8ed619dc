// How a picture grows between two passes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "image/resize_latents.h"

namespace safelight {

struct Upscaler {
  Names names;
  std::optional<LatentResize> latents;  // how its latents are resized; none: its pixels are, by Lanczos's kernel
};

// All that there are: those of latents, and Lanczos.
std::vector<Upscaler> upscalers();

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
Upscaler parse_upscaler(std::string_view name);

}  // namespace safelight

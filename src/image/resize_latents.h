// Latents at another size, for the second pass of a hires fix: what torch.nn.functional.interpolate computes with
// align_corners=False. The web UI's "Latent" upscalers are these.
#pragma once

#include <span>
#include <string_view>

#include "core/name_table.h"
#include "safelight/tensor.h"

namespace safelight {

enum class LatentResize { bilinear, bilinear_antialiased, bicubic, bicubic_antialiased, nearest, nearest_exact };

struct LatentResizeInfo {
  LatentResize mode;
  Names names;  // the label is A1111's: "Latent (bicubic antialiased)"
};
std::span<const LatentResizeInfo> latent_resizes() noexcept;
const LatentResizeInfo& info(LatentResize mode) noexcept;

// F32 [n, h, w, c] -> F32 [n, height, width, c]. Antialiased modes differ from the others only where a side shrinks,
// but for bicubic: its antialiased kernel is Keys's with a = -0.5, the other's a = -0.75 (Keys 1981).
// REQUIRES: a tensor that is not empty; height, width >= 1.
Tensor resize_latents(const Tensor& latents, std::int64_t height, std::int64_t width, LatentResize mode);

}  // namespace safelight

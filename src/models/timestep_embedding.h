// The sinusoidal code of a timestep (Vaswani et al. 2017, section 3.5).
#pragma once

#include <cstdint>
#include <span>

#include "ops/backend.h"

namespace safelight {

// -> F32 [timesteps.size(), width]: cosines of t * 10000^(-i / (width/2)), then sines. REQUIRES: width is even.
Tensor timestep_embedding(std::span<const float> timesteps, std::int64_t width, Backend& backend);

}  // namespace safelight

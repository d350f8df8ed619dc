// 3x3 convolution with fewer products.
#pragma once

#include "backends/cpu/engine.h"
#include "ops/conv2d.h"

namespace safelight::cpu {

// The side of the tiles, 4 or 2, with which a 3x3 convolution costs least; 0 where the transforms cost more than they
// save, or it is another convolution.
int winograd_tile_side(const Conv2dSpec& spec, const ProductCall& call);

// Runs `call` on all threads. REQUIRES: tile_side is what winograd_tile_side says, not 0.
void run_winograd(Engine& engine, const ProductCall& call, int tile_side);

}  // namespace safelight::cpu

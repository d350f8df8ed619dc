// 3x3 convolution with fewer products.
#pragma once

#include "backends/cpu/engine.h"
#include "ops/conv2d.h"

namespace safelight::cpu {

// Is it a 3x3 convolution large enough that the transforms cost less than they save?
bool winograd_pays(const Conv2dSpec& spec, const ProductCall& call);

// Runs `call` on all threads. REQUIRES: winograd_pays.
void run_winograd(Engine& engine, const ProductCall& call);

}  // namespace safelight::cpu

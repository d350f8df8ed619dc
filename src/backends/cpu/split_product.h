// A matrix product of floats by parts of 16 bits, where the processor multiplies those so much faster that it pays.
#pragma once

#include "backends/cpu/engine.h"

namespace safelight::cpu {

// Whether `call` is one of matrices, and an image has rows enough to fill tiles. (All rows together must not decide: an
// image has the same bits in any batch.)
bool takes_split_product(const Engine& engine, const ProductCall& call);

// Runs `call` on all threads. REQUIRES: takes_split_product().
void run_split_product(Engine& engine, ProductCall call);

}  // namespace safelight::cpu

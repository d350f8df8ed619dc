// What conv2d and linear have in common: a weight kept as it is stored, and the call of the product kernel.
#pragma once

#include "backends/cpu/engine.h"
#include "ops/epilogue.h"
#include "ops/joined.h"
#include "ops/weight.h"

namespace safelight::cpu {

// The tensor itself if kernels read its type (see StoredWeight), else converted.
Tensor as_stored(const Tensor& weight);
Weight as_stored(const Weight& weight);

// As F32, aligned; empty stays empty.
Tensor as_floats(const Tensor& bias);

// Chooses the blocks of `call`, whose other fields are set, and runs it on all threads.
void run_product(Engine& engine, ProductCall call);

// What is done to the sums of `y`, for conv2d and linear alike; but for geglu.
Tail make_tail(const Epilogue& tail, const Tensor& scales, const Tensor& bias, const Tensor& y);

// The rows of a linear layer's left side.
PixelSource rows_of(const Joined& x, std::int64_t rows);

}  // namespace safelight::cpu

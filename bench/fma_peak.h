// How many multiply-adds the machine does now, when nothing but its registers is asked.
#pragma once

namespace safelight {

// GFLOP/s of so many threads over some 10 ms: chains of vector multiply-adds, two operations each, of the best
// instruction set that our kernels use.
double fma_peak(int threads);

}  // namespace safelight

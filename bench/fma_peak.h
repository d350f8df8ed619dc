// How many multiply-adds the machine does now, when nothing but its registers is asked.
#pragma once

namespace safelight {

// GFLOP/s of two threads on the first two cores this process may use, over some 10 ms: chains of vector multiply-adds
// of the best instruction set that our kernels use, two operations each.
double fma_peak();

}  // namespace safelight

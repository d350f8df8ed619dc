// One row of a matrix product.
#pragma once

#include <cstdint>

namespace safelight {

// y[j] = sum over r of u[r] * d[r * stride + j], for j in [0, columns), in the order of r.
void row_product(const float* u, std::int64_t rank, const float* d, std::int64_t stride, std::int64_t columns,
                 float* y);

}  // namespace safelight

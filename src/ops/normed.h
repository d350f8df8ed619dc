// What an op reads that can normalise what it reads.
#pragma once

#include <utility>

#include "ops/group_norm.h"

namespace safelight {

// norm(x), which need not become a tensor of its own. `norm` must outlive it, and what x joins. REQUIRES: x is not
// borrowed from a file.
struct Normed {
  Normed(GroupNorm& of, Tensor tensor) : norm(of), x(std::move(tensor)) {}
  Normed(GroupNorm& of, const Joined& joined) : norm(of), x(joined.a), rest(joined.b) {}

  // As a tensor, once: in the bytes of x if no other refers to them.
  Tensor made() { return rest ? norm(Joined(x, *rest)) : norm(std::move(x)); }

  GroupNorm& norm;
  Tensor x;
  const Tensor* rest = nullptr;  // the channels after those of x, or null
};

// What is done to the values of a tensor as they are read; see GroupNorm::coefficients.
struct Normalisation {
  const Tensor& coefficients;  // F32 [n, 3, channels]
  Activation activation;
};

}  // namespace safelight

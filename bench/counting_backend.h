// A backend that computes nothing and counts what a computation would take.
#pragma once

#include <memory>

#include "ops/backend.h"

namespace safelight {

// Adds to `flop`, which must outlive the backend, two for every multiply-add of the products, convolutions (counted as
// direct ones) and attentions that are run on it, from their shapes. Results are uninitialised.
std::unique_ptr<Backend> make_counting_backend(double& flop);

}  // namespace safelight

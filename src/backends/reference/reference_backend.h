// The oracle: plain loops, double accumulation. Every other backend is compared with it.
#pragma once

#include <memory>

#include "ops/backend.h"

namespace safelight {

std::unique_ptr<Backend> make_reference_backend(const Context& context);

}  // namespace safelight

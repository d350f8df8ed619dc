// The table of backends, by name.
#pragma once

#include <memory>

#include "ops/backend.h"
#include "safelight/context.h"

namespace safelight {

// The backend that context.backend names. Throws Error(usage) for an unknown name, listing the known ones.
// The context's CancelToken must outlive the backend.
std::unique_ptr<Backend> make_backend(const Context& context);

}  // namespace safelight

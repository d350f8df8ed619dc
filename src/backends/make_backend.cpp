#include "backends/make_backend.h"

#include "backends/cpu/cpu_backend.h"
#include "backends/reference/reference_backend.h"
#include "core/fail.h"

namespace safelight {

std::unique_ptr<Backend> make_backend(const Context& context) {
  if (context.backend == "cpu") return make_cpu_backend(context);
  if (context.backend == "reference") return make_reference_backend(context);
  fail(ErrorCategory::usage, "unknown backend '{}': expected cpu or reference", context.backend);
}

}  // namespace safelight

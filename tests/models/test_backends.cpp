#include "models/test_backends.h"

#include "backends/reference/reference_backend.h"

namespace safelight::testing {

std::vector<std::string> backend_names() { return {"reference"}; }

std::unique_ptr<Backend> make_backend(const std::string& /*name*/, const Context& context) {
  return make_reference_backend(context);
}

}  // namespace safelight::testing

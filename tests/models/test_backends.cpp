#include "models/test_backends.h"

#include "backends/cpu/cpu_backend.h"
#include "backends/reference/reference_backend.h"

namespace safelight::test {

std::vector<std::string> backend_names() {
  std::vector<std::string> names{"reference"};
  for (const std::string_view set : cpu_instruction_sets()) names.emplace_back(set);
  return names;
}

std::unique_ptr<Backend> make_backend(const std::string& name, const Context& context) {
  return name == "reference" ? make_reference_backend(context) : make_cpu_backend(context, name);
}

}  // namespace safelight::test

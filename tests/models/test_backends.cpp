#include "models/test_backends.h"

#include "backends/cpu/cpu_backend.h"
#include "backends/reference/reference_backend.h"

namespace safelight::test {

std::vector<std::string> backend_names() {
  std::vector<std::string> names{"reference", fastest_backend()};
  // Under a sanitizer every instruction set is looked at op by op (tests/ops), which is a lot faster.
#ifndef SAFELIGHT_SANITIZED
  const std::vector<std::string_view> sets = cpu_instruction_sets();
  names.insert(names.end(), sets.begin() + 1, sets.end());
#endif
  return names;
}

std::string fastest_backend() { return std::string(cpu_instruction_sets().front()); }

std::unique_ptr<Backend> make_backend(const std::string& name, const Context& context) {
  return name == "reference" ? make_reference_backend(context) : make_cpu_backend(context, name);
}

}  // namespace safelight::test

// The backends that every network is tested on, by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/backend.h"

namespace safelight::test {

// "reference", and the instruction sets of the CPU backend that this machine has.
std::vector<std::string> backend_names();

// The best of those instruction sets.
std::string fastest_backend();

std::unique_ptr<Backend> make_backend(const std::string& name, const Context& context = {});

}  // namespace safelight::test

// The fast backend for processors: Highway kernels chosen at run time, all cores.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "ops/backend.h"

namespace safelight {

// Throws Error(usage) if the environment variable SAFELIGHT_ISA names an instruction set that this processor lacks.
// Without it the best one is taken that the system grants: AMX's registers it may refuse, see kernels/tile_registers.h.
std::unique_ptr<Backend> make_cpu_backend(const Context& context);

// Instruction sets that this build has kernels for and this processor runs, best first, e.g. {"avx512", "avx2"}.
std::vector<std::string_view> cpu_instruction_sets();

// As make_cpu_backend, with the instruction set forced by name. For tests and benchmarks.
std::unique_ptr<Backend> make_cpu_backend(const Context& context, std::string_view instruction_set);

}  // namespace safelight

// What a pickle names behind the place where our machine gave up on it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "format/foreign/pickle_opcodes.h"
#include "safelight/context.h"

namespace safelight::foreign {

struct SweptImport {
  Opcode opcode = Opcode::GLOBAL;  // GLOBAL, INST or STACK_GLOBAL
  std::size_t offset = 0;
  std::string name;  // module and qualified name with a dot between; empty if it cannot be told
};

// Reads the instructions from byte `begin` on without running them, over every STOP, up to the first byte that is no
// instruction, and lists the different imports at or behind byte `from`, a bounded number of them. Texts that come out
// of the memo are known; of what lies on the stack only the last two texts are. Throws Error(cancelled).
std::vector<SweptImport> sweep_imports(std::span<const std::byte> file, std::size_t begin, std::size_t from,
                                       const Context& context);

}  // namespace safelight::foreign

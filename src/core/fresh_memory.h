// Large pieces of new memory.
#pragma once

#include <cstddef>
#include <memory>

namespace safelight {

// This many bytes that read as zeros, given back to the system when the last pointer goes. They begin at a multiple of
// 2 MiB and ask for huge pages, where filling them costs 512 times fewer page faults. Throws Error(limit) if the
// system has none. REQUIRES: bytes > 0.
std::shared_ptr<std::byte> fresh_memory(std::size_t bytes);

}  // namespace safelight

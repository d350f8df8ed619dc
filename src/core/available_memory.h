// How much memory this process could still get without the system swapping or ending it.
#pragma once

#include <cstdint>

namespace safelight {

// The least of what the machine has to give, what the control group (a container) leaves, and what `ulimit -v` leaves.
// The largest number there is if the system does not say.
std::uint64_t available_memory();

}  // namespace safelight

// How much memory this process has, and could still get without the system swapping or ending it.
#pragma once

#include <cstdint>

namespace safelight {

// The least of what the machine has to give, what the control group (a container) leaves, and what `ulimit -v` leaves.
// The largest number there is if the system does not say.
std::uint64_t available_memory();

// Whether addresses count, too, touched or not (`ulimit -v`).
bool addresses_are_limited() noexcept;

// What of this process is in memory now, and the most that ever was: its own memory and the pages of mapped files that
// it has touched, libraries included. What `top` calls RES. 0 if the system does not say.
std::uint64_t resident_memory();
std::uint64_t peak_resident_memory();

}  // namespace safelight

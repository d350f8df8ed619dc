// Threads that work off a stream of jobs, most of which wait for a disk.
#pragma once

#include <functional>

#include "safelight/context.h"

namespace safelight {

// Calls step(worker) over and over, on `threads` threads at a time (the calling one is worker 0; fewer, if the system
// has no more), until one call returns false on each. `report` is called on the calling thread now and then, and at the
// end. Throws the first exception of a step, or Error(cancelled); either way after all steps have returned. Unlike
// ThreadPool, nothing is pinned and nobody spins: there may be more threads than cores.
void run_workers(int threads, const Context& context, const std::function<bool(int worker)>& step,
                 const std::function<void()>& report);

}  // namespace safelight

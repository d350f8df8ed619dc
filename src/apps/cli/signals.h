// Ctrl-C.
#pragma once

#include "safelight/context.h"

namespace safelight::cli {

// From the first call on, the first SIGINT or SIGTERM sets this token, and a second one ends the program at once.
// A signal that is ignored (nohup, a shell's background job) stays ignored.
const CancelToken& cancel_on_signals();

}  // namespace safelight::cli

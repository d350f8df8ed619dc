// Ctrl-C, and files that are shortened while they are read.
#pragma once

#include "safelight/context.h"

namespace safelight::cli {

// From the first call on, the first SIGINT or SIGTERM sets this token, and a second one ends the program at once.
// A signal that is ignored (nohup, a shell's background job) stays ignored.
const CancelToken& cancel_on_signals();

// From this call on, touching bytes that a mapped file has lost does not end the program (SIGBUS): they read as zeros,
// the token above is set, so that the command stops soon, nothing it wrote is put in its place, and
// check_all_mappings() tells what happened.
void survive_lost_files();

}  // namespace safelight::cli

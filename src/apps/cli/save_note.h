// What writing a file could not guarantee, as a warning.
#pragma once

#include "safelight/save_report.h"

namespace safelight::cli {

// One line on the standard error; nothing if there is nothing to say, or if `json`, whose object says it.
void show_note(const SaveReport& report, bool json);

}  // namespace safelight::cli

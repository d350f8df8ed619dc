#include "apps/cli/save_note.h"

#include <fmt/format.h>

#include <cstdio>

#include "core/printable.h"

namespace safelight::cli {

void show_note(const SaveReport& report, bool json) {
  if (!json && !report.note.empty()) fmt::print(stderr, "safelight: warning: {}\n", printable(report.note));
}

}  // namespace safelight::cli

// The commands of the program. Each adds its sub-command to `app`; the callback it sets does the work, returns its exit
// code in `status`, and throws safelight::Error for what main() turns into one line on stderr.
#pragma once

#include <CLI/CLI.hpp>

namespace safelight::cli {

void add_cast(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_diff(CLI::App& app, int& status);
void add_generate(CLI::App& app, int& status);
void add_ls(CLI::App& app, int& status);
void add_merge(CLI::App& app, int& status);
void add_sheet(CLI::App& app, int& status);
void add_stat(CLI::App& app, int& status);

}  // namespace safelight::cli

// The commands of the program. Each adds its sub-command to `app`; the callback it sets does the work, returns its exit
// code in `status`, and throws safelight::Error for what main() turns into one line on stderr.
#pragma once

#include <CLI/CLI.hpp>

namespace safelight::cli {

void add_cast(CLI::App& app, int& status);
void add_cat(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_convert(CLI::App& app, int& status);
void add_diff(CLI::App& app, int& status);
void add_drop(CLI::App& app, int& status);
void add_generate(CLI::App& app, int& status);
void add_hash(CLI::App& app, int& status);
void add_header(CLI::App& app, int& status);
void add_join(CLI::App& app, int& status);
void add_keep(CLI::App& app, int& status);
void add_ls(CLI::App& app, int& status);
void add_merge(CLI::App& app, int& status);
void add_rename(CLI::App& app, int& status);
void add_repair(CLI::App& app, int& status);
void add_scan(CLI::App& app, int& status);
void add_set_metadata(CLI::App& app, int& status);
void add_sheet(CLI::App& app, int& status);
void add_slice(CLI::App& app, int& status);
void add_split(CLI::App& app, int& status);
void add_stat(CLI::App& app, int& status);
void add_tree(CLI::App& app, int& status);

}  // namespace safelight::cli

// The commands of the program. Each adds its sub-command to `app`; the callback it sets does the work, returns its exit
// code in `status`, and throws safelight::Error for what main() turns into one line on stderr.
#pragma once

#include "apps/cli/command.h"

namespace safelight::cli {

void add_cast(Command app, int& status);
void add_cat(Command app, int& status);
void add_check(Command app, int& status);
void add_convert(Command app, int& status);
void add_diff(Command app, int& status);
void add_drop(Command app, int& status);
void add_edit(Command app, int& status);
void add_generate(Command app, int& status);
void add_hash(Command app, int& status);
void add_header(Command app, int& status);
void add_info(Command app, int& status);
void add_inpaint(Command app, int& status);
void add_join(Command app, int& status);
void add_keep(Command app, int& status);
void add_ls(Command app, int& status);
void add_merge(Command app, int& status);
void add_models(Command app, int& status);
void add_outpaint(Command app, int& status);
void add_rename(Command app, int& status);
void add_repair(Command app, int& status);
void add_replay(Command app, int& status);
void add_scan(Command app, int& status);
void add_set_metadata(Command app, int& status);
void add_sheet(Command app, int& status);
void add_slice(Command app, int& status);
void add_split(Command app, int& status);
void add_stat(Command app, int& status);
void add_transform(Command app, int& status);
void add_tree(Command app, int& status);
void add_what(Command app, int& status);

}  // namespace safelight::cli

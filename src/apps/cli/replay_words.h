// A task with its options as a command line.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/model_choice.h"
#include "tasks/replay.h"

namespace safelight::cli {

// What is not among the options.
struct TaskFiles {
  std::string input, mask, output;  // empty: none
};

// The words behind "safelight". Options that have their defaults are left out, but for the usual ones.
std::vector<std::string> command_words(TaskOptions task, const ModelChoice& model, const TaskFiles& files);

// In one line, as a shell takes them; what is not printable is written as bash, ksh and zsh have it, $'\x1b'.
std::string shell_text(const std::vector<std::string>& words);

}  // namespace safelight::cli

// Words as a shell takes them.
#pragma once

#include <string>

namespace safelight::cli {

// In quotes where it needs them; what could disturb a terminal is written as bash, ksh and zsh have it: $'\x1b'.
std::string shell_word(const std::string& word);

}  // namespace safelight::cli

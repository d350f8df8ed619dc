// The options of generate's second pass.
#pragma once

#include <optional>
#include <string>

#include "apps/cli/command.h"
#include "safelight/generate.h"

namespace safelight::cli {

// As they are typed.
struct HiresArguments {
  std::string size;  // --hires: a scale, or WIDTHxHEIGHT
  HiresOptions options;
};

void add_hires_options(Command command, HiresArguments& o);

// Nothing without --hires. Throws Error(usage) for a size that is none.
std::optional<HiresOptions> given_hires(const HiresArguments& o);

// For --json: empty, or ,"hires":{...}.
std::string hires_json(const std::optional<HiresOptions>& hires);

}  // namespace safelight::cli

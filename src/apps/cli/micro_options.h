// What SDXL and its refiner can be told about where a picture comes from.
#pragma once

#include <optional>
#include <string>

#include "apps/cli/command.h"
#include "safelight/generate.h"

namespace safelight::cli {

// As it is typed.
struct MicroArguments {
  std::optional<std::string> original_size, crop, target_size;
  std::optional<double> aesthetic_score, negative_aesthetic_score;
};

void add_micro_options(Command command, MicroArguments& o);

// Throws Error(usage) for what is no size or place.
MicroConditioning given_micro(const MicroArguments& o);

}  // namespace safelight::cli

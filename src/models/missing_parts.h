// What a checkpoint lacks to make pictures.
#pragma once

#include <string>
#include <vector>

#include "models/checkpoint.h"

namespace safelight {

struct MissingParts {
  std::vector<std::string> there, lacking;  // "a UNet"; "the second text encoder (1280 wide)"
  std::vector<std::string> remedies;        // "--text-encoder FILE"
};

// Told from its UNet, which decides what text it reads: of how many encoders, how wide together.
MissingParts missing_parts(const Checkpoint& checkpoint);

// Error(model) that says what is there, what lacks and what to add. REQUIRES: it has a UNet.
void expect_complete(const Checkpoint& checkpoint);

}  // namespace safelight

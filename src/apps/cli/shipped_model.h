// The model that comes with the program.
#pragma once

#include <filesystem>

namespace safelight::cli {

// Where $SAFELIGHT_MODEL points, if it is set; else beside the program: ../../models (a build in the source tree) or
// ../share/safelight/models (an installation). Throws Error(io) that lists these places if it is in none.
std::filesystem::path shipped_model();

}  // namespace safelight::cli

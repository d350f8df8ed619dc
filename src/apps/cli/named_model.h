// Which file a user means by -m, and where models lie.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "safelight/context.h"

namespace safelight::cli {

// Where $SAFELIGHT_MODEL points, if it is set; else beside the program: ../../models (a build in the source tree) or
// ../share/safelight/models (an installation). Throws Error(io) that lists these places if it is in none.
std::filesystem::path shipped_model();

// The folders that are searched for models: those of $SAFELIGHT_MODELS, separated by ":", if it is set; else ./models
// if there is one, else ~/models; then the one of the shipped model.
std::vector<std::filesystem::path> model_folders();

// What -m says: a path, a name, a title with its hash, or a hash (library/find.h); the shipped model if it says
// nothing.
std::filesystem::path named_model(const std::string& text, const Context& context = {});

}  // namespace safelight::cli

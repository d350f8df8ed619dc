// Which file a user means by -m, and where models lie.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "safelight/context.h"

namespace safelight::cli {

// The models that are shipped: for pictures from text, for inpainting, for edits by instruction.
inline constexpr const char* kShipped = "papercut.safetensors";
inline constexpr const char* kShippedInpaint = "papercut-inpaint.safetensors";
inline constexpr const char* kShippedEdit = "papercut-edit.safetensors";

// Where $SAFELIGHT_MODEL points, if it is set; else the shipped model of this name beside the program: in ../../models
// (a build in the source tree) or ../share/safelight/models (an installation). Throws Error(io) that lists these places
// if it is in none.
std::filesystem::path shipped_model(const std::string& name);

// The folders that are searched for models: those of $SAFELIGHT_MODELS, separated by ":", if it is set; else ./models
// if there is one, else ~/models; then the one of the shipped model.
std::vector<std::filesystem::path> model_folders();

// What -m says: a path, a name, a title with its hash, or a hash (library/find.h); the one named `shipped` of
// those that are shipped if it says nothing.
std::filesystem::path named_model(const std::string& text, const Context& context = {},
                                  const std::string& shipped = kShipped);

}  // namespace safelight::cli

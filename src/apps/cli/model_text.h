// What is told of a model, for people and for programs: of `what`, `models`.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "library/examine.h"
#include "library/library.h"

namespace safelight::cli {

// What has to be given besides, one line each: "--vae FILE: a VAE of Stable Diffusion 1". Empty for what needs nothing,
// and for what is no model by itself.
std::vector<std::string> what_to_add(const Recognition& model);

// The command that uses it; "" if there is none.
std::string command_to_run(const std::filesystem::path& path, const Examined& model);

// "F16 2.13 GB, F32 334 MB".
std::string types_text(std::span<const TypeShare> types);

// Members of a JSON object, without braces: kind, family, task, prediction, ...
std::string examined_json(const std::filesystem::path& path, const Examined& model);

// All hashes and files beside it, likewise.
std::string entry_json(const LibraryEntry& entry);

}  // namespace safelight::cli

// Which model a name means.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "safelight/context.h"

namespace safelight {

// The model that `text` names: the path of a file or a folder; else, below the folders (as roots_of() takes them), the
// first of these that fits any model:
//   - its name as `safelight models` shows it, or the last part of that, each with or without extension
//   - the same without regard to the case of ASCII letters
//   - a title: a name and a hash in brackets, which the model must have (it is computed if it is not cached)
//   - a hash: AutoV1 (8 hexadecimal digits), AutoV2 (10), AutoV3 (12), SHA-256 of the file or of its data (64); all but
//     AutoV1 only if they are cached
// Several models that fit equally well are an Error(usage) that lists them, except for copies of one file by name; none
// is an Error(io) that lists the nearest names. Folders that do not exist are left out. Files are not opened but for
// hashes. Throws Error(cancelled).
std::filesystem::path find_model(const std::string& text, std::span<const std::filesystem::path> folders,
                                 const Context& context = {});

// The model that something made with it tells of, such as a picture: the one with the hash, if that is known of one
// (see above), else the one with the name; either may be empty. Of several with the hash, the one with the name. The
// file may have another hash if it was found by its name. Throws as above.
std::filesystem::path find_model_by_hash_or_name(const std::string& hash, const std::string& name,
                                                 std::span<const std::filesystem::path> folders,
                                                 const Context& context = {});

// The one file or folder of this name, such as a VAE's; nothing if there is none, or several. Throws Error(cancelled).
std::optional<std::filesystem::path> find_companion(const std::string& file_name,
                                                    std::span<const std::filesystem::path> folders,
                                                    const Context& context = {});

}  // namespace safelight

// What of a folder `check` looks at.
#pragma once

#include <filesystem>
#include <vector>

namespace safelight::cli {

// Below `folder`, by name: every index of shards; every .safetensors file that is none of their shards; every folder
// whose .safetensors files are all numbered as shards, though no index is there; every folder that cannot be read.
// Hidden ones are left out. Links are followed, each folder is visited once.
std::vector<std::filesystem::path> checked_paths(const std::filesystem::path& folder);

}  // namespace safelight::cli

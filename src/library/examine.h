// What one file or folder is: everything that can be said without making pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "models/recognise.h"
#include "safelight/context.h"

namespace safelight {

struct Examined {
  std::string format{};     // "safetensors", "shards", "diffusers", "torch", "gguf", "npy", "npz"; "" if not told
  std::uint64_t bytes = 0;  // of the file, or of all files of a set
  Recognition recognition{};
  std::string problem{};  // why it cannot be opened as it is, in one line; "" if it can
};

struct ExamineOptions {
  // Look for tensors in pickles and other programs' files too (nothing in them is executed), rather than just say what
  // they are.
  bool foreign = false;
};

// `path`: a file, the index of a set of shards, a folder as diffusers writes them or one of shards. A configuration
// beside a checkpoint (name.yaml) is taken into account. What cannot be read or is broken is told in `problem`, not
// thrown; throws Error(cancelled).
Examined examine(const std::filesystem::path& path, const ExamineOptions& options = {}, const Context& context = {});

// Whether a folder is one model (and not one with models in it).
bool is_model_folder(const std::filesystem::path& folder);

}  // namespace safelight

// Where CLIP's text tower lies in a checkpoint, and what its parts are called there: as transformers names them, or as
// OpenCLIP does.
#pragma once

#include <cstdint>
#include <string_view>

#include "models/loader.h"

namespace safelight {

struct ClipNames {
  std::string_view token_embedding, position_embedding, blocks;  // of the tower; the second is a tensor
  std::string_view norm1, attention, norm2, fc1, fc2;            // of a block
  std::string_view final_norm;
  // Queries, keys and values as one matrix of three times as many rows, and a projection of pooled features that is
  // multiplied from the right.
  bool is_openclip;
};

struct ClipPlace {
  Loader tower;   // holds what `names` names
  Loader holder;  // of text_projection
  const ClipNames* names;

  std::int64_t blocks() const { return (tower / names->blocks).count(); }
};

// The tower at `w`: transformer.text_model, transformer (files written by transformers before 4.5), text_model, model
// (OpenCLIP's) or `w` itself. Throws Error(model) if there is none.
ClipPlace find_clip(const Loader& w);

}  // namespace safelight

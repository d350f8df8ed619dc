// The tensors of a file as a tree of the parts of their names.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "safelight/safetensors.h"

namespace safelight::cli {

// One line per tensor and per group of tensors whose names share a part, indented by depth, columns aligned, with its
// share of all bytes in percent and as a bar of up to 20 columns:
//
//   model.diffusion_model       412 tensors     12.3 MB  80%  ████████████████
//     input_blocks.0.0            2 tensors     4.7 KB    0%
//       bias               F16  [64]            128 B     0%
//
// Parts are separated by dots; a group with one member shares its line. Numbers sort as numbers.
// `depth`: levels to show; deeper tensors are told only in the sums. `ascii`: bars of #.
std::string tensor_tree(std::span<const TensorInfo> tensors, std::size_t depth, bool ascii);

// The same as an array of objects: groups {"name","tensors","bytes","children"} and tensors
// {"name","tensor","dtype","shape","bytes"}, where "tensor" is the whole name.
std::string tensor_tree_json(std::span<const TensorInfo> tensors, std::size_t depth);

}  // namespace safelight::cli

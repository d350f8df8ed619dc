// "NAME[INDEX]" arguments: a tensor, or a part of one.
#pragma once

#include <string>

#include "safelight/indexing.h"
#include "safelight/sharded.h"

namespace safelight::cli {

struct SelectedTensor {
  std::string name;
  Slices slices;  // empty: all of it
  ShardedTensors::Entry entry;
};

// "w", "w[0:10:2, ..., -1]", or the whole text if a tensor has such a name. Throws Error(model) if the set has no such
// tensor, Error(usage) for an index that is not one.
SelectedTensor select_tensor(const ShardedTensors& set, const std::string& text);

}  // namespace safelight::cli

// The nested dictionaries of a checkpoint as one list of named tensors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "format/foreign/pickle_machine.h"
#include "format/foreign/pickled_tensor.h"
#include "safelight/convert.h"

namespace safelight::foreign {

struct NamedPickledTensor {
  std::string name;
  PickledTensor tensor;
};

struct Flattened {
  std::string taken{};  // the key under which everything was found; empty: the whole file
  std::vector<NamedPickledTensor> tensors;
  std::vector<DroppedValue> dropped;  // the first kLongestDropped of them
  std::uint64_t dropped_count = 0;
};

inline constexpr std::size_t kLongestDropped = 1000;

// The rule is in docs/convert.md. `prefix`: take only what lies under this dotted key ("": everything); without it, a
// checkpoint's state_dict is taken, if it has one. Throws Error(format) for tensors that cannot be read, names that
// occur twice, dictionaries nested too deep; Error(model) if there is no such prefix, or no tensor at all.
Flattened flatten(const PickleRun& run, const std::optional<std::string>& prefix);

}  // namespace safelight::foreign

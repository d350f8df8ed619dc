// Making a sound file of one that is not, where everything that was meant is there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "safelight/context.h"
#include "safelight/safetensors.h"

namespace safelight {

struct RepairOptions {
  // Of a file that is cut off, keep the tensors that are there whole. Without it such a file is refused.
  bool keep_complete = false;
};

// What can be done about a file. docs/format.md lists what is repaired and what is not.
struct RepairPlan {
  // Valid if a sound file can be made of it; else the rule that stands in the way, or "limit", and why.
  Verdict verdict;
  // What will be different, one line each. Empty for a file that is sound and aligned: it is copied as it is.
  std::vector<std::string> changes;
  // Names of the tensors that are not there whole; only with keep_complete.
  std::vector<std::string> lost;
};

// Changes nothing, and throws nothing on a bad file: one that cannot be read is refused with rule "io".
RepairPlan plan_repair(const std::filesystem::path& in, const RepairOptions& options = {});

// Writes the repaired file, atomically, and returns what was done. `out` may be `in`. Bytes of tensors are copied,
// never made up; names, dtypes, shapes and metadata stay. The result has been checked in strict mode before it takes
// the place of `out`. Memory: a few tensors. Progress: bytes, stage "write". Throws Error(format) with the verdict's
// rule and detail if the file cannot be repaired, Error(io), Error(limit) if a dimension exceeds 2^63-1,
// Error(cancelled).
RepairPlan repair(const std::filesystem::path& in, const std::filesystem::path& out, const RepairOptions& options = {},
                  const Context& context = {});

}  // namespace safelight

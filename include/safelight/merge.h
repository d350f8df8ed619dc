// Merging models: weighted sums of files, and LoRA files folded into a model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "safelight/cast.h"
#include "safelight/context.h"
#include "safelight/dtype.h"
#include "safelight/save_report.h"

namespace safelight {

struct WeightedFile {
  std::filesystem::path path;  // of a file; a term may also be a set (sharded.h)
  double weight = 1;
};

// a + (b - c) * amount, as terms of a sum.
std::vector<WeightedFile> add_difference(const std::filesystem::path& a, const std::filesystem::path& b,
                                         const std::filesystem::path& c, double amount);

struct MergeOptions {
  // The result is the sum of weight * tensor over all terms. The first gives names, shapes, dtypes, metadata, and the
  // tensors that are no floating numbers.
  std::vector<WeightedFile> terms = {};

  // To this is added, for every module of every LoRA file, weight * alpha / rank * up x down (with `mid` between them,
  // if there is one). Without an alpha, it is the rank.
  std::vector<WeightedFile> loras = {};

  std::optional<DType> to = {};  // of all floating tensors of the result; without it, each keeps the first file's
  bool keep_unpaired = false;    // a tensor that is not in every file, or of another shape there: false: Error(model);
                                 // true: the first file's is kept as it is, and what it has not is left out
  bool skip_unmatched = false;   // parts of a LoRA that fit no tensor, or are of an unknown kind: false: Error(model)
};

struct MergeReport {
  std::int64_t tensors = 0;            // of the result
  std::int64_t summed = 0;             // tensors that are a sum of all terms
  std::int64_t lora_modules = 0;       // pairs of up and down that were folded in
  std::vector<std::string> kept;       // names: unpaired, taken from the first file as they are
  std::vector<std::string> left_out;   // names: floating tensors that the first file lacks
  std::vector<std::string> unmatched;  // names of LoRA tensors that were skipped
  CastLosses losses;                   // in rounding to the result's types
  SaveReport saved;
};

// Writes the merge to `out`, which may be one of the inputs. Sums are made in doubles, products of LoRAs in floats, and
// the result is rounded once. Everything is checked before the first byte is written. Streams: memory holds a few
// tensors at a time. Atomic, as save() is. Throws as ShardedTensors::open() and save() do; Error(usage) for weights
// that are not finite, or nothing to do; Error(model) for files that do not fit together.
MergeReport merge(const std::filesystem::path& out, const MergeOptions& options, const Context& context = {});

}  // namespace safelight

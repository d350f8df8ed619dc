// How two files, or sets of files, differ: what they hold, and by how much their numbers differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "safelight/context.h"
#include "safelight/sharded.h"

namespace safelight {

struct DiffOptions {
  // Two numbers count as the same if |a - b| <= tolerance + relative * max(|a|, |b|). Not negative.
  double tolerance = 0, relative = 0;
  bool ignore_dtype = false;  // an F16 tensor and an F32 one with the same numbers are the same
  bool ignore_metadata = false;
  std::vector<std::string> only = {}, except = {};  // glob patterns of names (* ? [a-z]); `only` empty: all
};

// Two tensors of one shape, compared number by number, in doubles (differences of 64-bit integers are exact). NaN
// equals NaN, whatever their bits; an infinity equals itself; 0 equals -0. The measures are of the pairs that are both
// finite.
struct NumberDiff {
  std::int64_t values = 0;
  std::int64_t differing = 0;   // pairs that are not the same within the tolerance
  std::int64_t unequal = 0;     // pairs that are not the same without any
  std::int64_t not_finite = 0;  // of these: one is NaN or infinite and the other is something else
  double max_absolute = 0;      // of |a - b|
  std::int64_t at = 0;          // the first element that has it
  double max_relative = 0;      // of |a - b| / max(|a|, |b|)
  double rms = 0;               // square root of the mean of (a - b)^2
  double cosine = 1;            // of the angle between the tensors; 1 if both are zero, 0 if one is
};

// What is said of one name.
struct TensorDiff {
  std::string name;
  std::optional<TensorInfo> a = {}, b = {};  // absent: not in that file
  std::optional<NumberDiff> numbers = {};    // if both are numeric, of one shape, and not byte for byte the same
  bool bytes_differ = false;  // both of one type and shape without numbers (C64, F4, ...): compared as bytes
  bool differs = false;       // after the options
};

struct MetadataDiff {
  std::string key;
  std::optional<std::string> a = {}, b = {};
};

struct FileDiff {
  std::int64_t compared = 0, same = 0;      // tensors that are in both; those of them that do not differ
  std::vector<TensorDiff> tensors = {};     // where anything at all is to be said, by name
  std::vector<MetadataDiff> metadata = {};  // keys that are not the same in both
  bool differs = false;                     // after the options
};

// Reads tensors a slice at a time on several threads; the result has the same bits on any number of them. Progress:
// stage "compare", in bytes of both files. Throws Error(usage) for a negative tolerance or a pattern that fits no
// tensor of either file, Error(io), Error(cancelled).
FileDiff diff(const ShardedTensors& a, const ShardedTensors& b, const DiffOptions& options = {},
              const Context& context = {});

}  // namespace safelight

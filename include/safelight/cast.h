// Casting between floating types, and the cast of a whole file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "safelight/context.h"
#include "safelight/dtype.h"
#include "safelight/save_report.h"
#include "safelight/tensor.h"

namespace safelight {

// The types that cast() converts between: F64, F32, F16, BF16, F8_E4M3, F8_E5M2.
bool can_cast(DType dtype) noexcept;

// What a cast could not keep.
struct CastLosses {
  // Values beyond the largest of the new type. They became infinite; F8_E4M3 has no infinity, there they became +-448,
  // and infinities, which become +-448 as well, are counted too.
  std::uint64_t overflowed = 0;
  // Values other than zero that became zero.
  std::uint64_t vanished = 0;

  CastLosses& operator+=(const CastLosses& other) noexcept {
    overflowed += other.overflowed;
    vanished += other.vanished;
    return *this;
  }
};

// A new tensor of type `to` with the values of `t`, bit for bit what torch's .to(dtype) makes of them on a processor:
// rounded to nearest, ties to even. F64 goes through F32 on its way to a smaller type, and is rounded twice. NaN stays
// NaN; docs/numbers.md has the bits. A tensor that has the type already is returned as it is, sharing its bytes.
// Handles unaligned bytes. Throws Error(usage) unless can_cast() both types. Uses the calling thread alone.
Tensor cast(const Tensor& t, DType to, CastLosses* losses = nullptr);

struct CastOptions {
  DType to = DType::F16;
  std::optional<DType> from = {};  // only tensors of this type; without it, of every type that can be cast
  std::vector<std::string> only = {}, except = {};  // glob patterns of names (* ? [a-z]); `only` empty: all
};

struct CastReport {
  std::int64_t tensors = 0, changed = 0;            // all of the file; those that were cast
  std::uint64_t bytes_before = 0, bytes_after = 0;  // of their data
  CastLosses losses = {};                           // of all tensors together
  struct Lossy {
    std::string name;
    CastLosses losses;
  };
  std::vector<Lossy> lossy = {};  // the tensors that lost something, in the order of the file
  SaveReport saved = {};
};

// Writes a copy of `in`, a file or a set (sharded.h), to the file `out`, which may be the same path, with the chosen
// tensors cast. The others and the metadata stay as they are, except that hashes of the old bytes are left out.
// Streams: memory holds a few tensors at a time. Atomic, as save() is. Throws as ShardedTensors::open() and save() do,
// Error(usage) for a type that cannot be cast, and Error(model) for a pattern that fits no tensor.
CastReport cast_file(const std::filesystem::path& in, const std::filesystem::path& out, const CastOptions& options,
                     const Context& context = {});

}  // namespace safelight

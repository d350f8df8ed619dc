// Reading, checking and writing SafeTensors files. docs/format.md explains every rule.
//
//   [0, 8)        N: header length, little-endian u64
//   [8, 8+N)      header: JSON object  name -> {"dtype", "shape", "data_offsets"}, and optionally "__metadata__"
//   [8+N, end)    the tensors' bytes; data_offsets count from here
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/dtype.h"
#include "safelight/tensor.h"

namespace safelight {

// strict: what the written specification allows. compat: exactly what the reference implementation accepts,
// its accidents included (duplicate names, tensor entries as arrays, whitespace before the header, ...).
enum class Mode { strict, compat };

// One tensor as the header describes it. Its bytes are [begin, end) of the data section.
struct TensorInfo {
  std::string name;
  DType dtype = DType::F32;
  std::vector<std::uint64_t> shape;  // as in the file; checked so that its product, in bits, fits 64 bits
  std::uint64_t begin = 0, end = 0;

  std::uint64_t bytes() const noexcept { return end - begin; }
};

using Metadata = std::map<std::string, std::string>;

// An opened and validated file: nothing in it is outside the file or overlaps. Cheap to copy; copies share the mapping.
// Every member is const and safe to call from several threads.
class SafeTensors {
 public:
  // Maps the file and validates it completely. Throws Error(io) if it cannot be read, Error(format) naming the rule
  // that is broken and where. Never allocates by a number in the header before it is proved to fit the file.
  static SafeTensors open(const std::filesystem::path& path, Mode mode = Mode::strict);

  // The same for bytes in memory, which must outlive the result unless `owner` keeps them alive.
  static SafeTensors parse(std::span<const std::byte> file, Mode mode = Mode::strict,
                           std::shared_ptr<const void> owner = {});

  // In the order of their bytes in the file.
  std::span<const TensorInfo> tensors() const noexcept;
  const Metadata& metadata() const noexcept;

  // The tensor with this name, or nullptr.
  const TensorInfo* find(std::string_view name) const noexcept;

  // A view of its bytes, borrowed from the mapping, which it keeps alive; possibly unaligned.
  // Throws Error(model) if there is no such tensor, Error(limit) if a dimension exceeds 2^63-1.
  Tensor tensor(std::string_view name) const;
  Tensor tensor(const TensorInfo& info) const;

  std::uint64_t header_bytes() const noexcept;  // N
  std::uint64_t file_bytes() const noexcept;
  const std::filesystem::path& path() const noexcept;  // empty after parse()

 private:
  struct State;
  explicit SafeTensors(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// The verdict on one file. Throws nothing on a bad file: an unreadable one is invalid with rule "io".
struct Verdict {
  bool valid = false;
  std::string rule;    // "ok", or the broken rule's name, e.g. "header-too-large" (the list is in docs/format.md)
  std::string detail;  // what was expected and found, where, and what can be done about it, where that is known
};
Verdict check(const std::filesystem::path& path, Mode mode = Mode::strict);
Verdict check(std::span<const std::byte> file, Mode mode = Mode::strict);

// Writes a file atomically (temporary file in the same folder, fsync, rename, fsync of the folder): on any failure the
// old file is intact and nothing is left behind. Byte for byte what the reference serializer writes, with the metadata
// keys sorted. Throws Error(io), or Error(usage) for duplicate names, a tensor named "__metadata__", invalid UTF-8.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};
void save(const std::filesystem::path& path, std::span<const NamedTensor> tensors, const Metadata& metadata = {});

}  // namespace safelight

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

// The most a file may ask for, for programs that open files of strangers. Each is checked before anything is allocated
// by it; a file beyond one gives Error(limit). Without them a file may have what the format allows.
struct Limits {
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  std::uint64_t header_bytes = kNone;  // N; the format's own limit of 100,000,000 holds besides (Error(format))
  std::uint64_t tensors = kNone;       // entries of the header
  std::uint64_t rank = kNone;          // dimensions of one tensor
  std::uint64_t name_bytes = kNone;    // length of one tensor's name, in UTF-8
  std::uint64_t data_bytes = kNone;    // all that follows the header
  // That opening allocates, by an estimate from above: 5 x N, then what tensors, dimensions and keys take; about 13 x N
  // for headers of tensors with few dimensions, up to some 35 x N for one that is made to be expensive.
  std::uint64_t memory_bytes = kNone;
};

struct OpenOptions {
  Mode mode = Mode::strict;
  Limits limits = {};
};

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
  static SafeTensors open(const std::filesystem::path& path, const OpenOptions& options);

  // The same for bytes in memory, which must outlive the result unless `owner` keeps them alive.
  static SafeTensors parse(std::span<const std::byte> file, Mode mode = Mode::strict,
                           std::shared_ptr<const void> owner = {});
  static SafeTensors parse(std::span<const std::byte> file, const OpenOptions& options,
                           std::shared_ptr<const void> owner = {});

  // In the order of their bytes in the file.
  std::span<const TensorInfo> tensors() const noexcept;
  const Metadata& metadata() const noexcept;

  // The tensor with this name, or nullptr.
  const TensorInfo* find(std::string_view name) const noexcept;

  // A view of its bytes, borrowed from the mapping, which it keeps alive; possibly unaligned. If the file is shortened
  // while it is mapped, touching the bytes it lost ends the process with SIGBUS, unless a MappingGuard is in place
  // (safelight/guard.h). read() here, and everything in safelight/read.h and safelight/slice.h, never do that.
  // Throws Error(model) if there is no such tensor, Error(limit) if a dimension exceeds 2^63-1, Error(usage) if `info`
  // comes from another file and does not fit this one.
  Tensor tensor(std::string_view name) const;
  Tensor tensor(const TensorInfo& info) const;

  // Copies the bytes [offset, offset + to.size()) of the file. Throws Error(io) that names file and offset if they
  // cannot be had: beyond the end, a file shortened since it was opened, a disk that fails.
  void read(std::uint64_t offset, std::span<std::byte> to) const;

  // Where in the file the tensor's bytes begin.
  std::uint64_t offset(const TensorInfo& info) const noexcept { return 8 + header_bytes() + info.begin; }

  // The open file, for callers with a way of their own to read it; -1 after parse(). Owned by this object.
  int descriptor() const noexcept;

  std::uint64_t header_bytes() const noexcept;  // N
  std::uint64_t file_bytes() const noexcept;
  const std::filesystem::path& path() const noexcept;  // empty after parse()

 private:
  friend struct FormatAccess;  // src/format
  struct State;
  explicit SafeTensors(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// The verdict on one file. Throws nothing on a bad file: an unreadable one is invalid with rule "io".
struct Verdict {
  bool valid = false;
  std::string
      rule;  // "ok", "limit", or the broken rule's name, e.g. "header-too-large" (the list is in docs/format.md)
  std::string detail;  // what was expected and found, where, and what can be done about it, where that is known
};
Verdict check(const std::filesystem::path& path, Mode mode = Mode::strict);
Verdict check(const std::filesystem::path& path, const OpenOptions& options);
Verdict check(std::span<const std::byte> file, const OpenOptions& options);

// Writes a file atomically (temporary file in the same folder, fsync, rename, fsync of the folder): on any failure the
// old file is intact and nothing is left behind. Byte for byte what the reference serializer writes, with the metadata
// keys sorted. Throws Error(io), or Error(usage) for duplicate names, a tensor named "__metadata__", invalid UTF-8.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};
void save(const std::filesystem::path& path, std::span<const NamedTensor> tensors, const Metadata& metadata = {});

}  // namespace safelight

// Writing SafeTensors files that are larger than memory. docs/format.md says what the options mean in the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/context.h"
#include "safelight/pending_tensor.h"
#include "safelight/safetensors.h"
#include "safelight/save_report.h"

namespace safelight {

// The defaults give, byte for byte, what the reference serializer writes (with sorted metadata keys).
struct SaveOptions {
  // The tensors' bytes begin at a multiple of this in the file: a power of two from 8 to 1 MiB, such as 64, 256 or
  // 4096. The header is padded with spaces. (The tensors follow each other without gaps, as the format demands; sorted
  // by the size of their elements, so each is aligned to its element.)
  std::uint64_t alignment = 8;

  // Spaces in the header, after the metadata, so that edit_metadata() can later add about as many bytes in place.
  std::uint64_t metadata_slack = 0;

  // Keep a hash of the content and one of each tensor in the metadata (see content_hash.h).
  bool hashes = false;

  // Above 0: no file has more bytes of tensors than this, unless a single tensor has. "model.safetensors" becomes
  // "model-00001-of-00003.safetensors", ... and "model.safetensors.index.json"; it stays one file if all fits. Tensors
  // are dealt out in the order of the list.
  std::uint64_t shard_bytes = 0;

  // Read the header back and judge it in strict mode before the file takes its place.
  bool verify = false;

  // Flush file and folder to the disk before and after renaming. Without, a power loss soon after may lose the new
  // file, or some of its bytes; the end of the process cannot.
  bool durable = true;
};

// A tensor that is going to be written.
struct TensorSpec {
  std::string name;
  DType dtype = DType::F32;
  Shape shape{};
};

// Writes a file, or a set of shards, piece by piece. The room on the disk is taken at once, so a full disk is known
// before the work. Nothing is visible before finish(); a Writer that is destroyed without it leaves the old file (or
// set) and no temporary file.
//
// write() may be called from several threads at once; the other members may not.
class Writer {
 public:
  // Throws Error(usage) for what the format cannot hold (duplicate names, a tensor named "__metadata__", invalid UTF-8,
  // sizes beyond 63 bits) and for options out of range, Error(limit) for a header beyond what readers accept,
  // Error(io).
  Writer(const std::filesystem::path& path, std::span<const TensorSpec> tensors, const Metadata& metadata = {},
         const SaveOptions& options = {});
  ~Writer();
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;

  // Puts `bytes` into the tensor, `offset` bytes after its begin. Every byte of every tensor is written exactly once,
  // in any order and in pieces of any size. Throws Error(usage) if there is no such tensor, or the bytes reach beyond
  // its end or were written before, Error(io). After a failed write, finish() refuses.
  void write(std::string_view name, std::span<const std::byte> bytes, std::uint64_t offset = 0);

  // The same by position in the constructor's list.
  void write(std::size_t tensor, std::span<const std::byte> bytes, std::uint64_t offset = 0);

  // Positions in the constructor's list, in the order of the bytes on the disk: the fastest order to write in, and the
  // only one that a file system without writing at random places accepts.
  const std::vector<std::size_t>& order() const noexcept;

  // Validates that everything was written, flushes and renames. A set becomes visible with its index, which comes last.
  // Throws Error(usage) naming a tensor that is not complete, Error(io). REQUIRES: not yet finished.
  SaveReport finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes tensors that are made while they are written: several at a time, one thread each. In memory at once is at most
// one tensor per thread, and together at most 128 MiB, unless a single one is larger; to that comes what `make` itself
// uses and at most 4 MiB per thread. Atomic as Writer is. Progress: bytes, stage "write". Throws what Writer throws,
// Error(model) if a tensor is not what was promised, Error(cancelled), and what `make` throws.
SaveReport save(const std::filesystem::path& path, std::span<const PendingTensor> tensors, const Metadata& metadata,
                const SaveOptions& options = {}, const Context& context = {});

}  // namespace safelight

// Tensor files of other programs: reading them as lists of tensors, and converting one kind of file into another.
// Nothing in a file is ever executed. docs/convert.md says what each format can hold and how names are made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/context.h"
#include "safelight/pending_tensor.h"
#include "safelight/safetensors.h"

namespace safelight {

enum class FileFormat {
  safetensors,
  torch,  // PyTorch's .pt .pth .bin .ckpt, and plain pickles of NumPy arrays; read only
  npy,    // one NumPy array
  npz,    // a zip archive of them
  gguf,
};

// "safetensors", "torch", "npy", "npz", "gguf".
std::string_view name(FileFormat format) noexcept;
std::optional<FileFormat> parse_file_format(std::string_view name) noexcept;

// By its first bytes; nothing if they say nothing. Throws Error(io).
std::optional<FileFormat> recognise(const std::filesystem::path& path);

// By its extension, any case: .safetensors .pt .pth .bin .ckpt .pkl .npy .npz .gguf.
std::optional<FileFormat> format_of_name(const std::filesystem::path& path);

struct ImportOptions {
  std::optional<FileFormat> format{};  // unset: by content
  // Of a torch file: take only what lies under this dotted key ("": everything). Unset: a checkpoint's state_dict, if
  // it has one (docs/convert.md has the rule).
  std::optional<std::string> prefix{};
  DType dequantised = DType::F32;  // what the block types of GGUF become: F32 (exact) or F16 (rounded)
};

// A value of the file that is no tensor, and so has no place in a tensor file.
struct DroppedValue {
  std::string name, what;
};

// Two names for the same bytes: the result holds them twice.
struct SharedTensor {
  std::string name, same_as;
};

struct ImportedFile {
  FileFormat format = FileFormat::safetensors;
  std::string description;             // "a PyTorch zip checkpoint", "GGUF version 3", ...
  std::vector<PendingTensor> tensors;  // each keeps alive what it reads from; bytes are read when it is made
  Metadata metadata;
  std::vector<DroppedValue> dropped;  // at most 1,000 of them
  std::uint64_t dropped_count = 0;
  std::vector<SharedTensor> shared;
  std::vector<std::string> notes;  // what else a person should know, one line each
};

// Opens any of the formats, or a set of SafeTensors files (sharded.h): checks its structure, reads no tensor yet.
// Throws Error(io), Error(format) if the file is not what it claims or cannot be read without executing something,
// Error(limit) for files made to exhaust memory, Error(model) if there is nothing to take, Error(cancelled).
ImportedFile import_file(const std::filesystem::path& path, const ImportOptions& options = {},
                         const Context& context = {});

struct ConvertOptions {
  ImportOptions source{};
  std::optional<FileFormat> to{};  // unset: by the extension of the output
  bool quantise_q8_0 = false;      // GGUF only: matrices whose rows are a multiple of 32 long become Q8_0
};

struct ConvertReport {
  FileFormat from = FileFormat::safetensors, to = FileFormat::safetensors;
  std::string description{};  // of what was read
  std::uint64_t tensors = 0;  // written
  std::uint64_t bytes = 0;    // of the file that was written
  std::vector<DroppedValue> dropped{};
  std::uint64_t dropped_count = 0;
  std::vector<SharedTensor> shared{};
  std::vector<std::string> notes{};  // "2 tensors of BF16 became F32, as NumPy has no such type", ...
};

// Reads `in`, writes `out` atomically, a tensor at a time: the memory that it takes is a few times the largest tensor.
// A type that the target lacks is widened exactly and told in a note, or refused with Error(usage) where no type could
// hold it. Reports progress as stage "write" in bytes; may be cancelled. Throws what import_file and save throw.
ConvertReport convert(const std::filesystem::path& in, const std::filesystem::path& out,
                      const ConvertOptions& options = {}, const Context& context = {});

}  // namespace safelight

// One function per foreign format. Each checks the structure of the bytes and gives what import_file() promises,
// but for the format and the order of the tensors.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "safelight/convert.h"

namespace safelight::foreign {

// A whole file in memory or mapped; the owner keeps the bytes alive and goes into every tensor.
struct FileBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

// All throw Error(format), Error(limit), Error(model), and Error(cancelled) where they take a context.
ImportedFile read_torch(const FileBytes& file, const ImportOptions& options,
                        const Context& context = {});  // zip, legacy, or a plain pickle
ImportedFile read_npy(const FileBytes& file);
ImportedFile read_npz(const FileBytes& file, const Context& context = {});
ImportedFile read_gguf(const FileBytes& file, const ImportOptions& options);

// Whether a zip archive is one of PyTorch's (and not of NumPy's), and whether the first pickle of these bytes is the
// magic number of PyTorch's legacy format.
bool is_torch_archive(const FileBytes& file);
bool begins_like_legacy_torch(std::span<const std::byte> bytes);

}  // namespace safelight::foreign

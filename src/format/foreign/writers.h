// One function per format that can be written, SafeTensors aside. Each writes atomically, a tensor at a time, in the
// order of the list, reports progress as bytes of stage "write", and adds to `notes` what it had to change.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "safelight/convert.h"

namespace safelight::foreign {

using Notes = std::vector<std::string>;

// One tensor. Throws Error(usage) if there are more.
void write_npy(const std::filesystem::path& path, std::span<const PendingTensor> tensors, Notes& notes,
               const Context& context);

// Metadata have no place in it and are told in a note.
void write_npz(const std::filesystem::path& path, std::span<const PendingTensor> tensors, const Metadata& metadata,
               Notes& notes, const Context& context);

void write_gguf(const std::filesystem::path& path, std::span<const PendingTensor> tensors, const Metadata& metadata,
                bool quantise_q8_0, Notes& notes, const Context& context);

}  // namespace safelight::foreign

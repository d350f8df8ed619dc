// Writing SafeTensors files that are larger than memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "safelight/context.h"
#include "safelight/pending_tensor.h"
#include "safelight/safetensors.h"
#include "safelight/save_report.h"

namespace safelight {

// The defaults give, byte for byte, what the reference serializer writes (with sorted metadata keys).
struct SaveOptions {
  // Flush file and folder to the disk before and after renaming. Without, a power loss soon after may lose the new
  // file; the end of the process cannot.
  bool durable = true;
};

// Writes tensors that are made while they are written: several at a time, one thread each. Atomic as save() of
// safetensors.h is. Progress: bytes, stage "write". Throws Error(usage) for what the format cannot hold, Error(model)
// if a tensor is not what was promised, Error(io), Error(limit), Error(cancelled), and what `make` throws.
SaveReport save(const std::filesystem::path& path, std::span<const PendingTensor> tensors, const Metadata& metadata,
                const SaveOptions& options = {}, const Context& context = {});

}  // namespace safelight

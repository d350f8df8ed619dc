// The rules on how the tensors' ranges fill the data section.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

// Sorts by range; tensors without bytes that share an offset keep their order. Says whether any was moved.
bool sort_by_offset(std::vector<TensorInfo>& tensors);

// Throws BrokenRule unless shape and dtype have a size in bytes and the range is as long as that.
void check_size(const TensorInfo& info);

// `tensors`: sorted by range; `data_bytes`: how much of the file follows the header. Throws BrokenRule unless the
// ranges follow each other from 0 to data_bytes and each is as long as its shape and dtype say.
void check_layout(std::span<const TensorInfo> tensors, std::uint64_t data_bytes);

}  // namespace safelight

// Sums over the tensors of a file.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "safelight/safetensors.h"

namespace safelight::cli {

// Elements of all tensors.
std::uint64_t count_parameters(std::span<const TensorInfo> tensors);

std::uint64_t count_bytes(std::span<const TensorInfo> tensors);

// "660 tensors, 6,140,321 parameters, 12.3 MB: 12.2 MB F16, 64.0 KB F32"
std::string totals_line(std::span<const TensorInfo> tensors);

// {"tensors":660,"parameters":6140321,"bytes":12300000}
std::string totals_json(std::span<const TensorInfo> tensors);

// {"key":"value"}
std::string metadata_json(const Metadata& metadata);

}  // namespace safelight::cli

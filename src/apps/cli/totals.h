// Sums over the tensors of a file, and other things that reports are made of.
#pragma once

#include <cstddef>
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

// ["a","b"]
std::string texts_json(std::span<const std::string> texts);

// "[2, 3]"; of more than `most` dimensions, the first so many and how many there are.
std::string shape_text(std::span<const std::uint64_t> shape, std::size_t most = SIZE_MAX);

}  // namespace safelight::cli

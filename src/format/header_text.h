// The header as the writer writes it.
//
//   {"__metadata__":{"k":"v"},"name":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}   then spaces to a multiple
//   of 8
//
// Tensors are sorted by dtype, the enum's last first, then by name; so every tensor is aligned to its element's size.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

// The tensor to be written, and, once placed, where.
struct Placed {
  std::string_view name;  // borrowed
  DType dtype = DType::F32;
  const Shape* shape = nullptr;
  std::size_t index = 0;  // in the caller's list
  std::uint64_t begin = 0, end = 0;
};

// Puts the tensors in the order of their bytes and gives each its range. Throws Error(usage) for what the format cannot
// hold: duplicate names, a tensor named "__metadata__", text that is not UTF-8, packed elements that do not fill whole
// bytes, a negative dimension, more than 2^63-1 bytes.
void place(std::vector<Placed>& tensors);

// The header of these tensors, padded. Throws Error(limit) if it is longer than readers accept, Error(usage) for
// metadata that is not UTF-8.
std::string header_text(std::span<const Placed> tensors, const Metadata& metadata);

// The length field and the header after it.
std::string framed(const std::string& header);

}  // namespace safelight

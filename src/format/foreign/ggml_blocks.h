// The element types of GGUF files, and the arithmetic of those that are stored in blocks.
//
// A block holds 32 or 256 numbers as small integers with common scales. The type's number of the file, and the layout
// of each block, are in the .cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "safelight/dtype.h"

namespace safelight::foreign {

struct GgmlType {
  std::uint32_t number = 0;      // in the file
  std::string_view name{};       // "Q4_K"
  std::uint32_t elements = 1;    // per block
  std::uint32_t bytes = 0;       // per block
  std::optional<DType> plain{};  // what it is, if it is no block type
  // Widens one block exactly: every operation is a float's, in the order that the format's own code has.
  void (*dequantise)(const std::byte* block, float* out) = nullptr;
};

// The type with this number if it can be read, or nullptr.
const GgmlType* find_ggml_type(std::uint32_t number) noexcept;

// The name of a type that exists but cannot be read ("IQ4_XS"); empty if there is none with this number.
std::string_view unreadable_ggml_type(std::uint32_t number) noexcept;

// The type that holds this dtype as it is, or nullptr.
const GgmlType* ggml_type_of(DType dtype) noexcept;

// Whole blocks, as floats. REQUIRES: type.dequantise, and sizes that fit each other.
void dequantise(const GgmlType& type, std::span<const std::byte> blocks, std::span<float> out) noexcept;

// Floats as blocks of Q8_0. False if it cannot hold one of them: NaN, infinity, or above 8,319,008 (127 times the
// largest scale). REQUIRES: a multiple of 32 values, and 34 bytes for each 32.
const GgmlType& q8_0() noexcept;
bool quantise_q8_0(std::span<const float> values, std::span<std::byte> blocks);

}  // namespace safelight::foreign

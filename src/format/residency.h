// How much of a mapped file is in this process's memory, by groups of tensors.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "safelight/safetensors.h"

namespace safelight {

// Bytes of all tensors whose names begin with `prefix`.
std::uint64_t bytes_below(const SafeTensors& file, std::string_view prefix);

// Takes these tensors' pages out of this process's memory, whoever refers to them. Nothing is lost: they stay in the
// system's cache of files as long as it has room, and come back when they are touched (at some 10 GB/s from there).
// Pages that they share with other tensors stay. Does nothing for bytes in memory (parse()).
void release_pages(const SafeTensors& file, std::string_view prefix = {});

// The same of these tensors of the file, whatever they are called.
void release_pages(const SafeTensors& file, std::span<const TensorInfo* const> tensors);

}  // namespace safelight

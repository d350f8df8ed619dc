// What a file is that is not SafeTensors.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace safelight {

// A phrase such as "a Git LFS pointer: the file itself was not downloaded", judged by the first bytes, or empty if they
// say nothing.
std::string_view diagnose(std::span<const std::byte> file) noexcept;

}  // namespace safelight

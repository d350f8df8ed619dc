// What a file is that is not SafeTensors.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace safelight {

// A phrase such as "a Git LFS pointer: the file itself (2.13 GB) was not downloaded; run 'git lfs pull'": what the
// first bytes say it is and what can be done about it. Empty if they say nothing.
std::string diagnose(std::span<const std::byte> file);

// Whether the first eight bytes are printable ASCII. Not of a SafeTensors file, whose length they would be; an old
// pickle's may be.
bool begins_with_text(std::span<const std::byte> file);

}  // namespace safelight

// Copying a part of one file into another, in the cheapest way the file system has.
#pragma once

#include <cstdint>
#include <functional>

#include "core/atomic_file.h"

namespace safelight {

enum class CopyWay {
  shared_extents,  // both files refer to the same blocks of the disk until one is changed (reflink)
  kernel,          // copied by the kernel, or by the file server
  plain,           // read and written by us
};

// Blocks that files share are whole blocks of the file system: of 4096 bytes on nearly all.
inline constexpr std::uint64_t kSharedBlock = 4096;

// Copies [begin, end) of `from` to `to_offset` of `to`. REQUIRES: `end` is the end of `from`. Blocks can be shared only
// if both places have the same remainder modulo kSharedBlock. `copied` is called now and then with the number of bytes
// so far, and may throw. Throws Error(io).
CopyWay copy_range(int from, std::uint64_t begin, std::uint64_t end, AtomicFile& to, std::uint64_t to_offset,
                   const std::function<void(std::uint64_t)>& copied);

}  // namespace safelight

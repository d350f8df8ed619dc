// Which bytes of a tensor have been written.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace safelight {

// Ranges of bytes, each added once. A tensor that is written in one piece, or in order, costs one range.
class Coverage {
 public:
  // False, and nothing changes, if some of the bytes are covered already.
  bool add(std::uint64_t begin, std::uint64_t end);

  // Whether [0, bytes) is covered.
  bool complete(std::uint64_t bytes) const noexcept;

  // How many bytes are covered.
  std::uint64_t total() const noexcept;

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;  // sorted; neither empty, nor touching each other
};

}  // namespace safelight

// Which of two ways of writing a file is the faster, found out on the way.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>

namespace safelight {

// Past the page cache is often several times faster than through it, and on a slow disk much slower: no number known
// beforehand tells. So both are tried, and the faster goes on; one that becomes slow (the kernel holds back who writes
// more than the disk takes) is left for the other. Safe to use from several threads.
class WritePace {
 public:
  // Whether the next piece should go past the page cache.
  bool prefers_direct() const;

  // What a piece took.
  void record(bool direct, std::size_t bytes, double seconds);

 private:
  struct Way {
    double bytes = 0, seconds = 0;  // of the latest pieces
  };

  mutable std::mutex mutex_;
  std::array<Way, 2> ways_;  // through the page cache, past it
};

}  // namespace safelight

#include "core/write_pace.h"

#include <gtest/gtest.h>

namespace safelight {
namespace {

constexpr std::size_t kPiece = 8 << 20;

// Writes pieces at these speeds, in bytes per second; how many of the pieces went past the page cache.
int direct_pieces(WritePace& pace, int pieces, double cached, double direct) {
  int count = 0;
  for (int i = 0; i < pieces; ++i) {
    const bool past = pace.prefers_direct();
    count += past ? 1 : 0;
    pace.record(past, kPiece, static_cast<double>(kPiece) / (past ? direct : cached));
  }
  return count;
}

TEST(WritePace, TriesBothAndKeepsTheFaster) {
  WritePace fast_disk, slow_disk;
  EXPECT_EQ(direct_pieces(fast_disk, 100, 0.5e9, 2e9), 96);
  EXPECT_EQ(direct_pieces(slow_disk, 100, 2e9, 0.1e9), 4);
}

TEST(WritePace, LeavesAWayThatBecomesSlow) {
  WritePace pace;
  EXPECT_EQ(direct_pieces(pace, 100, 2e9, 1e9), 4);
  EXPECT_GT(direct_pieces(pace, 100, 0.1e9, 1e9), 60);
}

}  // namespace
}  // namespace safelight

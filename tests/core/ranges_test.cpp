#include "core/ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace safelight {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

Pairs pairs(const Ranges& ranges) { return {ranges.begin(), ranges.end()}; }

TEST(Ranges, NeighboursBecomeOne) {
  Ranges ranges;
  ranges.insert(0, 10);
  ranges.insert(20, 30);
  EXPECT_THAT(pairs(ranges), ElementsAre(std::pair{0, 10}, std::pair{20, 30}));
  ranges.insert(10, 20);
  EXPECT_THAT(pairs(ranges), ElementsAre(std::pair{0, 30}));
  ranges.insert(5, 5);
  EXPECT_EQ(ranges.total(), 30u);
}

TEST(Ranges, ErasingDivides) {
  Ranges ranges;
  ranges.insert(0, 30);
  ranges.erase(10, 20);
  EXPECT_THAT(pairs(ranges), ElementsAre(std::pair{0, 10}, std::pair{20, 30}));
  ranges.erase(5, 25);
  EXPECT_THAT(pairs(ranges), ElementsAre(std::pair{0, 5}, std::pair{25, 30}));
  ranges.erase(0, 100);
  EXPECT_THAT(pairs(ranges), IsEmpty());
  EXPECT_EQ(ranges.total(), 0u);
}

TEST(Ranges, TheFirstThatIsLongEnough) {
  Ranges ranges;
  ranges.insert(0, 3);
  ranges.insert(10, 20);
  ranges.insert(30, 90);
  EXPECT_EQ(ranges.first_of(3), 0u);
  EXPECT_EQ(ranges.first_of(4), 10u);
  EXPECT_EQ(ranges.first_of(11), 30u);
  EXPECT_EQ(ranges.first_of(61), std::nullopt);
}

// Against a set of single numbers.
TEST(Ranges, AnyOrder) {
  Ranges ranges;
  std::vector<bool> expected(200);
  std::uint32_t random = 7;
  const auto next = [&] { return (random = random * 1664525 + 1013904223) >> 8; };
  for (int i = 0; i < 5000; ++i) {
    const std::size_t begin = next() % 180, end = begin + next() % 20;
    const bool inserts = next() % 2 == 0;
    inserts ? ranges.insert(begin, end) : ranges.erase(begin, end);
    for (std::size_t n = begin; n < end; ++n) expected[n] = inserts;
    Pairs runs;
    std::size_t total = 0;
    for (std::size_t n = 0; n < expected.size(); ++n) {
      if (!expected[n]) continue;
      ++total;
      if (!runs.empty() && runs.back().second == n)
        ++runs.back().second;
      else
        runs.emplace_back(n, n + 1);
    }
    ASSERT_EQ(pairs(ranges), runs) << i;
    ASSERT_EQ(ranges.total(), total);
  }
}

}  // namespace
}  // namespace safelight

#include "backends/cpu/planner.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/cache.h"
#include "support/temporary_folder.h"

namespace safelight::cpu {
namespace {

constexpr PlanKey kKey{"product", {1, 2, 3}};
constexpr int kEnough = 20;  // calls, for a decision between three ways

class PlannerTest : public ::testing::Test {
 protected:
  PlannerTest() { ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1); }

  // The ways that so many calls took; way 1 is the fast one.
  static std::vector<int> ways_of(Planner& planner, int calls, const PlanKey& key = kKey) {
    std::vector<int> ways;
    for (int i = 0; i < calls; ++i)
      planner.run(key, 3, [&](int way) {
        ways.push_back(way);
        if (way != 1) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      });
    return ways;
  }

  test::TemporaryFolder folder_;
};

TEST_F(PlannerTest, TriesAllAndKeepsTheFastest) {
  Planner planner("machine", true);
  EXPECT_EQ(ways_of(planner, 6), (std::vector{0, 1, 2, 0, 1, 2}));
  ways_of(planner, kEnough);
  EXPECT_EQ(ways_of(planner, 3), (std::vector{1, 1, 1}));
  EXPECT_EQ(ways_of(planner, 1, {"product", {1, 2, 4}}), std::vector{0}) << "other sizes";
}

TEST_F(PlannerTest, RemembersForThisMachine) {
  constexpr std::string_view kOps[] = {"product", "pairs", "split", "taps", "winograd"};
  {
    Planner planner("machine", true);
    for (const std::string_view op : kOps) ways_of(planner, kEnough, {op, {1, 2, 3}});
  }
  Planner again("machine", true), other("another machine", true), still("machine", false);
  for (const std::string_view op : kOps) EXPECT_EQ(ways_of(again, 2, {op, {1, 2, 3}}), (std::vector{1, 1})) << op;
  EXPECT_EQ(ways_of(other, 2), (std::vector{0, 1}));
  EXPECT_EQ(ways_of(still, 2), (std::vector{0, 0}));
}

TEST_F(PlannerTest, WithoutMeasuringNothingIsTriedOrKept) {
  {
    Planner planner("machine", false);
    EXPECT_EQ(ways_of(planner, kEnough), std::vector<int>(kEnough, 0));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cache"));
}

TEST_F(PlannerTest, OneWayIsNoChoice) {
  {
    Planner planner("machine", true);
    for (int i = 0; i < kEnough; ++i) planner.run(kKey, 1, [](int way) { EXPECT_EQ(way, 0); });
  }
  EXPECT_FALSE(read_cache("plans", "machine"));
}

TEST_F(PlannerTest, WhatWasInterruptedDoesNotCount) {
  Planner planner("machine", true);
  for (int i = 0; i < kEnough; ++i)
    EXPECT_THROW(planner.run(kKey, 3, [](int) { throw std::runtime_error("cancelled"); }), std::runtime_error);
  EXPECT_EQ(ways_of(planner, 3), (std::vector{0, 1, 2}));
}

TEST_F(PlannerTest, ReadsWhatItCan) {
  const std::string head = "safelight plans 4\nmachine machine\n";
  const auto ways_with = [&](const std::string& kept) {
    write_cache("plans", "machine", kept);
    Planner planner("machine", true);
    return ways_of(planner, 2);
  };
  EXPECT_EQ(ways_with(head + "product 1 2 3 0 0 0 0 = 2\n"), (std::vector{2, 2}));
  EXPECT_EQ(ways_with(head + "product 1 2 3 0 0 0 0 = 9\n"), (std::vector{0, 0})) << "a way that is no more";
  for (const std::string& kept :
       {std::string(), head, head + "product 1 2 3 0 0 0 0 = -1\n", head + "product 1 2 3 = 2\n",
        head + "product 1 2 3 0 0 0 0 = 2", head + "product 1 2 3 0 0 0 x = 2\n", head + "dance 1 2 3 0 0 0 = 2\n",
        "product 1 2 3 0 0 0 0 = 2\n" + head,
        std::string("safelight plans 1\nmachine machine\nproduct 1 2 3 0 0 0 0 = 2\n")})
    EXPECT_EQ(ways_with(kept), (std::vector{0, 1})) << kept;
}

TEST(Processor, HasAName) { EXPECT_NE(processor_name(), ""); }

}  // namespace
}  // namespace safelight::cpu

#include "core/thread_pool.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "support/expect_error.h"

namespace safelight {
namespace {

class Threads : public testing::TestWithParam<int> {};

TEST_P(Threads, EveryTaskRunsOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.size(), GetParam());
  for (const std::int64_t tasks : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
    pool.parallel_for(tasks, [&](std::int64_t task, int worker) {
      ASSERT_GE(worker, 0);
      ASSERT_LT(worker, pool.size());
      ++runs[static_cast<std::size_t>(task)];
    });
    for (const std::atomic<int>& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST_P(Threads, FirstExceptionIsRethrownAndThePoolLivesOn) {
  ThreadPool pool(GetParam());
  const auto throws = [](std::int64_t task, int) {
    if (task == 3) throw std::runtime_error("task 3");
  };
  EXPECT_THROW(pool.parallel_for(10, throws), std::runtime_error);
  std::atomic<int> sum = 0;
  pool.parallel_for(10, [&](std::int64_t task, int) { sum += static_cast<int>(task); });
  EXPECT_EQ(sum, 45);
}

TEST_P(Threads, CancelStopsTheLoop) {
  CancelToken token;
  ThreadPool pool(GetParam(), &token);
  std::atomic<int> runs = 0;
  EXPECT_ERROR(pool.parallel_for(1'000'000,
                                 [&](std::int64_t, int) {
                                   token.cancel();
                                   ++runs;
                                 }),
               cancelled, "cancelled");
  EXPECT_LT(runs, 1'000'000);
}

INSTANTIATE_TEST_SUITE_P(Counts, Threads, testing::Values(1, 2, 3, 8));

}  // namespace
}  // namespace safelight

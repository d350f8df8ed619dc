#include "core/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "safelight/error.h"
#include "support/no_more_threads.h"

namespace safelight {
namespace {

class ThreadPoolOf : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolOf, RunsEveryTaskOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.size(), GetParam());
  for (const std::int64_t tasks : {0, 1, 2, 3, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
    pool.parallel_for(tasks, [&](std::int64_t task, int worker) {
      EXPECT_TRUE(worker >= 0 && worker < pool.size());
      ++runs[static_cast<std::size_t>(task)];
    });
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST_P(ThreadPoolOf, NoTwoTasksShareAWorkerAtOnce) {
  ThreadPool pool(GetParam());
  std::vector<std::atomic<int>> inside(static_cast<std::size_t>(pool.size()));
  pool.parallel_for(2000, [&](std::int64_t, int worker) {
    std::atomic<int>& count = inside[static_cast<std::size_t>(worker)];
    EXPECT_EQ(++count, 1);
    --count;
  });
}

// Short loops in a row, some of them after the workers have gone to sleep: none may be lost.
TEST_P(ThreadPoolOf, ManyShortLoops) {
  ThreadPool pool(GetParam());
  std::atomic<std::int64_t> sum = 0;
  for (int loop = 0; loop < 600; ++loop) {
    if (loop % 200 == 199) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    pool.parallel_for(4, [&](std::int64_t task, int) { sum += task; });
  }
  EXPECT_EQ(sum, 600 * 6);
}

TEST_P(ThreadPoolOf, RethrowsAndGoesOn) {
  ThreadPool pool(GetParam());
  for (int loop = 0; loop < 20; ++loop) {
    try {
      pool.parallel_for(100, [](std::int64_t task, int) {
        if (task == 7) throw std::runtime_error("task 7");
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), std::string("task 7"));
    }
  }
  std::atomic<int> runs = 0;
  pool.parallel_for(10, [&](std::int64_t, int) { ++runs; });
  EXPECT_EQ(runs, 10);
}

TEST_P(ThreadPoolOf, CancellingSkipsWhatIsLeft) {
  CancelToken token;
  ThreadPool pool(GetParam(), &token);
  std::atomic<int> runs = 0;
  try {
    pool.parallel_for(1'000'000, [&](std::int64_t, int) {
      if (++runs >= 10) token.cancel();  // each of them, so that no thread begins another, however late the first is
    });
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), ErrorCategory::cancelled);
  }
  EXPECT_LT(runs, 10 + GetParam());
  EXPECT_THROW(pool.parallel_for(1, [](std::int64_t, int) {}), Error);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolOf, testing::Values(1, 2, 3, 8));

TEST(ThreadPool, UsesAllCoresByDefault) {
  const ThreadPool first, second;  // the second must not see the first one's pinning
  EXPECT_EQ(first.size(), second.size());
  EXPECT_GE(first.size(), 1);
}

// Several of them in one process would share the first cores.
TEST(ThreadPool, SmallerOnesPinNothing) {
  cpu_set_t before, during;
  pthread_getaffinity_np(pthread_self(), sizeof before, &before);
  const int cores = ThreadPool().size();
  for (int threads = 1; threads < cores; ++threads) {
    const ThreadPool pool(threads);
    pthread_getaffinity_np(pthread_self(), sizeof during, &during);
    EXPECT_TRUE(CPU_EQUAL(&before, &during)) << threads;
  }
}

TEST(ThreadPool, WithoutMoreThreadsTheCallerDoesTheWork) {
  const test::NoMoreThreads none;
  ThreadPool pool(4);
  EXPECT_EQ(pool.size(), 1);
  std::atomic<int> runs = 0;
  pool.parallel_for(10, [&](std::int64_t, int worker) {
    EXPECT_EQ(worker, 0);
    ++runs;
  });
  EXPECT_EQ(runs, 10);
}

TEST(ThreadPool, LeavesTheCallersCoresAsTheyWere) {
  cpu_set_t before, after;
  pthread_getaffinity_np(pthread_self(), sizeof before, &before);
  {
    auto first = std::make_unique<ThreadPool>(), second = std::make_unique<ThreadPool>();
    first.reset();  // not the order of a stack
  }
  pthread_getaffinity_np(pthread_self(), sizeof after, &after);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

}  // namespace
}  // namespace safelight

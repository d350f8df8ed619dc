#include "core/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "support/expect_error.h"
#include "support/no_more_threads.h"

namespace safelight {
namespace {

TEST(Workers, StepUntilThereIsNothingLeftOnEachThread) {
  std::atomic<int> left{1000}, done{0};
  std::atomic<int> reports{0};
  const auto caller = std::this_thread::get_id();
  run_workers(
      4, {},
      [&](int worker) {
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, 4);
        if (--left < 0) return false;
        ++done;
        return true;
      },
      [&] {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        ++reports;
      });
  EXPECT_EQ(done, 1000);
  EXPECT_GE(reports, 1);
}

TEST(Workers, WithoutMoreThreadsTheCallerDoesTheWork) {
  const test::NoMoreThreads none;
  int left = 100;
  run_workers(
      4, {}, [&](int /*worker*/) { return --left > 0; }, [] {});
  EXPECT_EQ(left, 0);
}

TEST(Workers, TheFirstExceptionStopsAllAndIsRethrown) {
  std::atomic<int> steps{0};
  const auto step = [&](int /*worker*/) -> bool {
    if (++steps == 50) throw std::runtime_error("the fiftieth");
    return true;
  };
  EXPECT_THROW(run_workers(3, {}, step, [] {}), std::runtime_error);  // or it would never end
  EXPECT_GE(steps, 50);
}

TEST(Workers, CancelStopsAll) {
  CancelToken token;
  std::atomic<int> steps{0};
  const auto step = [&](int /*worker*/) {
    if (++steps == 20) token.cancel();
    return true;
  };
  EXPECT_ERROR(run_workers(3, {.cancel = &token}, step, [] {}), cancelled, "cancelled");  // or it would never end
  EXPECT_GE(steps, 20);
}

// The caller may be done long before the others: progress goes on.
TEST(Workers, ReportsWhileItWaits) {
  std::atomic<bool> waited{false};
  const auto step = [&](int worker) {
    if (worker == 1 && !waited.exchange(true)) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return false;
  };
  int reports = 0;
  run_workers(2, {}, step, [&] { ++reports; });
  EXPECT_GE(reports, 3);
}

TEST(Workers, AnExceptionOfTheReportPassesOn) {
  std::atomic<int> left{100};
  const auto step = [&](int /*worker*/) { return --left > 0; };
  EXPECT_THROW(run_workers(2, {}, step, [] { throw std::runtime_error("full"); }), std::runtime_error);
}

}  // namespace
}  // namespace safelight

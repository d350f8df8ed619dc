#include "bench/fma_peak.h"

#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/fma_peak.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <atomic>
#include <chrono>

#include "backends/cpu/kernels/vector-inl.h"
#include "core/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// Multiply-adds of one vector of `rounds` rounds; the sum keeps them from being left out.
double multiply_adds(std::int64_t rounds, float* sum) {
  constexpr int kChains = 12;  // more than latency times ports, and with the constants no more than 16 registers
  const V factor = splat(0.999999f), addend = splat(1e-6f);
  V chains[kChains];
  SAFELIGHT_UNROLL
  for (int i = 0; i < kChains; ++i) chains[i] = splat(static_cast<float>(i));
  for (std::int64_t round = 0; round < rounds; ++round) {
    SAFELIGHT_UNROLL
    for (int i = 0; i < kChains; ++i) chains[i] = hn::MulAdd(chains[i], factor, addend);
  }
  V all = chains[0];
  for (int i = 1; i < kChains; ++i) all = hn::Add(all, chains[i]);
  *sum = hn::GetLane(hn::SumOfLanes(D(), all));
  return 2.0 * kChains * kLanes * static_cast<double>(rounds);
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace safelight::cpu {
namespace {

HWY_EXPORT(multiply_adds);

double measure_peak(int threads) {
  constexpr std::int64_t kRounds = 200'000;  // 0.5 ms: several a thread, so that cores of unequal speed end together
  constexpr std::int64_t kTasks = 40;
  ThreadPool pool(threads);
  float sums[kTasks];
  double operations[kTasks] = {};
  const auto multiply = [&](std::int64_t task, int) {
    operations[task] = HWY_DYNAMIC_DISPATCH(multiply_adds)(kRounds, &sums[task]);
  };
  pool.parallel_for(threads, multiply);  // warms up
  const auto begin = std::chrono::steady_clock::now();
  pool.parallel_for(kTasks, multiply);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  double all = 0;
  for (const double count : operations) all += count;
  return all / seconds * 1e-9;
}

}  // namespace
}  // namespace safelight::cpu

double safelight::fma_peak(int threads) { return cpu::measure_peak(threads); }
#endif

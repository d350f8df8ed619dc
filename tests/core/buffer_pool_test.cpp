#include "core/buffer_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace safelight {
namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

TEST(BufferPool, BlocksAreAlignedAndUsable) {
  BufferPool pool;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{5000}, 3 * kMega + 1}) {
    const std::shared_ptr<std::byte> block = pool.take(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % 64, 0u);
    std::memset(block.get(), 1, bytes);
  }
}

TEST(BufferPool, HandsOutWhatCameBack) {
  BufferPool pool;
  const std::byte* first = pool.take(10 * kMega).get();
  EXPECT_EQ(pool.idle_bytes(), 10 * kMega);
  const std::shared_ptr<std::byte> again = pool.take(10 * kMega - 100);
  EXPECT_EQ(again.get(), first);
  EXPECT_EQ(pool.idle_bytes(), 0u);
  EXPECT_NE(pool.take(10 * kMega).get(), first);
}

TEST(BufferPool, PrefersTheSmallestThatFits) {
  BufferPool pool;
  auto large = pool.take(12 * kMega), fitting = pool.take(10 * kMega);
  const std::byte* expected = fitting.get();
  large.reset();
  fitting.reset();
  EXPECT_EQ(pool.take(10 * kMega).get(), expected);
}

TEST(BufferPool, DoesNotWasteALargeBlockOnALittle) {
  BufferPool pool;
  const std::byte* large = pool.take(100 * kMega).get();
  EXPECT_NE(pool.take(kMega).get(), large);
}

// A phase with other sizes must not keep the memory of the one before.
TEST(BufferPool, IdleMemoryIsBounded) {
  BufferPool pool;
  for (std::size_t size = 1; size <= 64; size *= 2) {
    const std::shared_ptr<std::byte> block = pool.take(size * kMega);
    EXPECT_LE(pool.idle_bytes() + size * kMega, (size + std::max<std::size_t>(size / 4, 16) + 2) * kMega);
  }
}

TEST(BufferPool, WithoutSpareMemoryKeepsNoMoreThanWasInUse) {
  BufferPool pool;
  pool.keep_spare(false);
  pool.take(8 * kMega);
  pool.take(6 * kMega);  // too small for the block of 8, which then must go
  EXPECT_EQ(pool.idle_bytes(), 6 * kMega);
  EXPECT_EQ(pool.peak_bytes(), 8 * kMega);
  pool.keep_spare(true);
  pool.take(2 * kMega);
  EXPECT_EQ(pool.idle_bytes(), 8 * kMega);
}

TEST(BufferPool, TrimEndsAPhase) {
  BufferPool pool;
  const auto used = pool.take(2 * kMega);
  pool.take(400 * kMega);
  pool.trim();
  EXPECT_EQ(pool.idle_bytes(), 0u);
  for (int i = 0; i < 3; ++i) pool.take((40 + 20 * static_cast<std::size_t>(i)) * kMega);
  EXPECT_LE(pool.idle_bytes(), 100 * kMega) << "what was in use before counts no more";
  EXPECT_EQ(pool.peak_bytes(), 402 * kMega);
}

// It is asked how much memory a run would take, so it must do exactly what a real one does.
TEST(BufferPool, OfImaginedBlocksCountsLikeARealOne) {
  for (const bool spare : {true, false}) {
    BufferPool real, imagined(BufferPool::Blocks::imagined);
    real.keep_spare(spare);
    imagined.keep_spare(spare);
    std::vector<std::shared_ptr<std::byte>> of_real, of_imagined;
    std::uint32_t random = 1;
    for (int i = 0; i < 2000; ++i) {
      random = random * 1664525 + 1013904223;
      if (random >> 31 && !of_real.empty()) {
        const std::size_t at = random / 7 % of_real.size();
        of_real.erase(of_real.begin() + static_cast<std::ptrdiff_t>(at));
        of_imagined.erase(of_imagined.begin() + static_cast<std::ptrdiff_t>(at));
      } else {
        of_real.push_back(real.take(random % (4 * kMega)));
        of_imagined.push_back(imagined.take(random % (4 * kMega)));
      }
      ASSERT_EQ(imagined.idle_bytes(), real.idle_bytes());
      ASSERT_EQ(imagined.peak_bytes(), real.peak_bytes());
    }
  }
}

TEST(BufferPool, ImaginedBlocksNeedNoMemory) {
  BufferPool pool(BufferPool::Blocks::imagined);
  const auto block = pool.take(std::size_t{1} << 50);
  EXPECT_NE(block.get(), nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % 64, 0u);
  EXPECT_EQ(pool.peak_bytes(), std::size_t{1} << 50);
}

TEST(BufferPool, BlocksMayOutliveThePool) {
  auto pool = std::make_unique<BufferPool>();
  const std::shared_ptr<std::byte> block = pool->take(kMega);
  pool.reset();
  std::memset(block.get(), 1, kMega);
}

TEST(BufferPool, SeveralThreads) {
  BufferPool pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 500; ++i) {
        const std::shared_ptr<std::byte> block = pool.take(4096);
        std::memset(block.get(), t, 4096);
        for (int at = 0; at < 4096; at += 512) EXPECT_EQ(static_cast<int>(block.get()[at]), t);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace safelight

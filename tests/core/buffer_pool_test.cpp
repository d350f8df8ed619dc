#include "core/buffer_pool.h"

#include <gtest/gtest.h>

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
    EXPECT_LE(pool.idle_bytes() + size * kMega, (size + size / 4 + 2) * kMega);
  }
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

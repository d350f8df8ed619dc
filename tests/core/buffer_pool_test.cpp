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

using Block = std::shared_ptr<std::byte>;

TEST(BufferPool, BlocksAreAlignedAndUsable) {
  BufferPool pool;
  std::vector<Block> blocks;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{5000}, 3 * kMega + 1}) {
    blocks.push_back(pool.take(bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks.back().get()) % 64, 0u);
    std::memset(blocks.back().get(), static_cast<int>(blocks.size()), bytes);
  }
  EXPECT_EQ(blocks[1].get()[0], std::byte{2}) << "no block is in another";
}

TEST(BufferPool, HandsOutWhatCameBack) {
  BufferPool pool;
  const std::byte* first = pool.take(10 * kMega).get();
  EXPECT_EQ(pool.held_bytes(), 10 * kMega);
  const Block again = pool.take(10 * kMega - 100);
  EXPECT_EQ(again.get(), first);
  EXPECT_EQ(pool.held_bytes(), 10 * kMega);
  EXPECT_NE(pool.take(10 * kMega).get(), first);
}

// Of other sizes: several in one, and one in several.
TEST(BufferPool, GapsAreDividedAndBecomeOne) {
  BufferPool pool;
  const std::byte* first = pool.take(12 * kMega).get();
  Block a = pool.take(4 * kMega), b = pool.take(5 * kMega), c = pool.take(3 * kMega);
  EXPECT_EQ(a.get(), first);
  EXPECT_EQ(c.get(), first + 9 * kMega);
  c.reset(), a.reset();
  EXPECT_EQ(pool.take(3 * kMega).get(), first) << "the first gap";
  b.reset();
  EXPECT_EQ(pool.take(12 * kMega).get(), first);
  EXPECT_EQ(pool.peak_bytes(), 12 * kMega);
}

TEST(BufferPool, ManyStretchesOfAddresses) {
  BufferPool pool(BufferPool::Blocks::imagined);
  std::vector<Block> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(pool.take(700 * kMega));
  EXPECT_EQ(pool.held_bytes(), 100 * 700 * kMega);
  blocks.clear();
  for (int i = 0; i < 100; ++i) blocks.push_back(pool.take(700 * kMega));
  EXPECT_EQ(pool.peak_bytes(), 100 * 700 * kMega);
}

TEST(BufferPool, TrimGivesPagesBack) {
  BufferPool pool;
  Block before = pool.take(400 * kMega);
  const Block used = pool.take(2 * kMega);
  std::memset(used.get(), 1, 2 * kMega);
  before.get()[0] = std::byte{1};
  before.reset();
  EXPECT_EQ(pool.held_bytes(), 402 * kMega);
  pool.trim();
  EXPECT_EQ(pool.held_bytes(), 2 * kMega);
  EXPECT_EQ(used.get()[2 * kMega - 1], std::byte{1});
  const Block after = pool.take(kMega);
  EXPECT_EQ(after.get()[0], std::byte{0}) << "a page that came anew";
  EXPECT_EQ(pool.held_bytes(), 3 * kMega);
  EXPECT_EQ(pool.peak_bytes(), 402 * kMega);
}

// It is asked how much memory a run would take, so it must do exactly what a real one does.
TEST(BufferPool, OfImaginedBlocksCountsLikeARealOne) {
  BufferPool real, imagined(BufferPool::Blocks::imagined);
  std::vector<Block> of_real, of_imagined;
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
    if (i % 500 == 499) real.trim(), imagined.trim();
    ASSERT_EQ(imagined.held_bytes(), real.held_bytes());
    ASSERT_EQ(imagined.peak_bytes(), real.peak_bytes());
  }
}

TEST(BufferPool, ImaginedBlocksNeedNoMemory) {
  BufferPool pool(BufferPool::Blocks::imagined);
  const Block block = pool.take(std::size_t{1} << 50);
  EXPECT_NE(block.get(), nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % 64, 0u);
  EXPECT_EQ(pool.peak_bytes(), std::size_t{1} << 50);
}

TEST(BufferPool, BlocksMayOutliveThePool) {
  auto pool = std::make_unique<BufferPool>();
  Block block = pool->take(kMega), other = pool->take(kMega);
  pool.reset();
  std::memset(block.get(), 1, kMega);
  other.reset();
  EXPECT_EQ(block.get()[kMega - 1], std::byte{1});
}

TEST(BufferPool, SeveralThreads) {
  BufferPool pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 500; ++i) {
        const Block block = pool.take(4096);
        std::memset(block.get(), t, 4096);
        for (int at = 0; at < 4096; at += 512) EXPECT_EQ(static_cast<int>(block.get()[at]), t);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace safelight

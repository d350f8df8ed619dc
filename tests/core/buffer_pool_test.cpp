#include "core/buffer_pool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "safelight/error.h"

namespace safelight {
namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

using Block = std::shared_ptr<std::byte>;

// What a block of whole pages takes: between it and the next lies the gap of the address sanitizer, if it is there.
constexpr std::size_t kPage = 4096;
std::size_t place(std::size_t bytes) { return bytes + (BufferPool::gap() > 0 ? kPage : 0); }

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
  EXPECT_EQ(pool.held_bytes(), place(10 * kMega));
  const Block again = pool.take(10 * kMega - 100);
  EXPECT_EQ(again.get(), first);
  EXPECT_EQ(pool.held_bytes(), place(10 * kMega));
  EXPECT_NE(pool.take(10 * kMega).get(), first);
}

// Of other sizes: several in one, and one in several.
TEST(BufferPool, GapsAreDividedAndBecomeOne) {
  BufferPool pool;
  const std::size_t all = 12 * kMega + 3 * place(0);
  const std::byte* first = pool.take(all - place(0)).get();
  Block a = pool.take(4 * kMega), b = pool.take(5 * kMega), c = pool.take(3 * kMega);
  EXPECT_EQ(a.get(), first);
  EXPECT_EQ(c.get(), first + place(4 * kMega) + place(5 * kMega));
  c.reset(), a.reset();
  EXPECT_EQ(pool.take(3 * kMega).get(), first) << "the first gap";
  b.reset();
  EXPECT_EQ(pool.take(all - place(0)).get(), first);
  EXPECT_EQ(pool.peak_bytes(), all);
}

TEST(BufferPool, ManyStretchesOfAddresses) {
  BufferPool pool(BufferPool::Blocks::imagined);
  std::vector<Block> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(pool.take(700 * kMega));
  EXPECT_EQ(pool.held_bytes(), 100 * place(700 * kMega));
  blocks.clear();
  for (int i = 0; i < 100; ++i) blocks.push_back(pool.take(700 * kMega));
  EXPECT_EQ(pool.peak_bytes(), 100 * place(700 * kMega));
}

TEST(BufferPool, TrimGivesPagesBack) {
  BufferPool pool;
  Block before = pool.take(400 * kMega);
  const Block used = pool.take(2 * kMega);
  std::memset(used.get(), 1, 2 * kMega);
  before.get()[0] = std::byte{1};
  before.reset();
  EXPECT_EQ(pool.held_bytes(), place(400 * kMega) + place(2 * kMega));
  pool.trim();
  EXPECT_EQ(pool.held_bytes(), place(2 * kMega));
  EXPECT_EQ(used.get()[2 * kMega - 1], std::byte{1});
  const Block after = pool.take(kMega);
  EXPECT_EQ(after.get()[0], std::byte{0}) << "a page that came anew";
  EXPECT_EQ(pool.held_bytes(), place(2 * kMega) + place(kMega));
  EXPECT_EQ(pool.peak_bytes(), place(400 * kMega) + place(2 * kMega));
}

TEST(BufferPool, TrimKeepsTheFirstBytes) {
  BufferPool pool;
  Block block = pool.take(8 * kMega);
  std::memset(block.get(), 1, 8 * kMega);
  block.reset();
  pool.trim(3 * kMega);
  EXPECT_EQ(pool.held_bytes(), 3 * kMega);
  block = pool.take(8 * kMega);
  EXPECT_EQ(block.get()[3 * kMega - 1], std::byte{1}) << "a page that stayed";
  EXPECT_EQ(block.get()[3 * kMega], std::byte{0}) << "a page that came anew";
  block.reset();
  pool.trim();
  EXPECT_EQ(pool.held_bytes(), 0u);
}

// More than the first stretch has: its pages might then lie beside what is needed, in a place too small for it.
TEST(BufferPool, TrimKeepsNothingForWhatNeedsSeveralStretches) {
  for (const auto& [keep, held] : {std::pair{1700 * kMega, std::size_t{0}}, {1000 * kMega, place(900 * kMega)}}) {
    BufferPool pool(BufferPool::Blocks::imagined);
    std::vector<Block> blocks{pool.take(900 * kMega), pool.take(700 * kMega)};  // in 1024 and 2048 MiB of addresses
    blocks.clear();
    pool.trim(keep);
    EXPECT_EQ(pool.held_bytes(), held);
  }
  BufferPool pool(BufferPool::Blocks::imagined);
  std::vector<Block> blocks{pool.take(900 * kMega), pool.take(500 * kMega)};
  blocks.clear();
  const std::size_t needed = place(600 * kMega) + place(1100 * kMega);
  pool.trim(needed);
  blocks = {pool.take(600 * kMega), pool.take(1100 * kMega)};
  EXPECT_EQ(pool.held_bytes(), needed);
}

// Addresses, not only pages: a process may be allowed few of them.
TEST(BufferPool, TrimGivesAddressesBack) {
  const auto first_byte = [](BufferPool& pool) { return pool.take(1).get(); };
  BufferPool pool;
  const std::byte* before = first_byte(pool);
  pool.trim();
  unsigned char resident = 0;
  EXPECT_EQ(
      ::mincore(const_cast<std::byte*>(before - reinterpret_cast<std::uintptr_t>(before) % kPage), kPage, &resident),
      -1)
      << "nothing is mapped there";
  EXPECT_EQ(pool.held_bytes(), 0u);
}

void use_limited_addresses() {
  std::ifstream status("/proc/self/statm");
  std::size_t pages = 0;
  status >> pages;
  const rlimit limit{.rlim_cur = pages * kPage + 200 * kMega, .rlim_max = RLIM_INFINITY};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(1);
  BufferPool pool;
  for (int phase = 0; phase < 5; ++phase) {
    std::vector<Block> blocks;
    for (int i = 0; i < 3; ++i) std::memset(blocks.emplace_back(pool.take(50 * kMega)).get(), 1, 50 * kMega);
    if (pool.held_bytes() < 150 * kMega) std::_Exit(2);
    blocks.clear();
    pool.trim(50 * kMega);  // what is kept there might not fit
    if (pool.held_bytes() != 0) std::_Exit(3);
  }
  try {
    pool.take(300 * kMega);
  } catch (const Error& error) {
    std::_Exit(error.category() == ErrorCategory::limit ? 0 : 4);
  }
  std::_Exit(5);
}

TEST(BufferPool, WhereAddressesAreLimited) {
  if (BufferPool::gap() > 0) GTEST_SKIP() << "the address sanitizer has reserved terabytes";
  EXPECT_EXIT(use_limited_addresses(), testing::ExitedWithCode(0), "");
}

TEST(BufferPool, TheAddressSanitizerSeesWhoWritesBeyondHisOwn) {
  if (BufferPool::gap() == 0) GTEST_SKIP() << "there is none";
  BufferPool pool;
  const Block block = pool.take(1000), next = pool.take(kMega);
  volatile std::byte* data = block.get();
  EXPECT_DEATH(data[1000] = std::byte{1}, "use-after-poison");
  const volatile std::byte* freed = pool.take(100).get();
  EXPECT_DEATH(static_cast<void>(freed[0]), "use-after-poison");
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
    if (i % 500 == 499)
      real.trim(static_cast<std::size_t>(i) * kMega / 100), imagined.trim(static_cast<std::size_t>(i) * kMega / 100);
    ASSERT_EQ(imagined.held_bytes(), real.held_bytes());
    ASSERT_EQ(imagined.peak_bytes(), real.peak_bytes());
  }
}

TEST(BufferPool, ImaginedBlocksNeedNoMemory) {
  BufferPool pool(BufferPool::Blocks::imagined);
  const Block block = pool.take(std::size_t{1} << 50);
  EXPECT_NE(block.get(), nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % 64, 0u);
  EXPECT_EQ(pool.peak_bytes(), place(std::size_t{1} << 50));
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

#include "core/buffer_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <mutex>
#include <new>

namespace safelight {
namespace {

constexpr std::size_t kLine = 64, kPage = 4096, kHugePage = std::size_t{2} << 20;

std::size_t round_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

// Coarse sizes let a block serve requests that differ by a little.
std::size_t block_size(std::size_t bytes) {
  if (bytes >= kHugePage) return round_up(bytes, kHugePage);
  return round_up(std::max<std::size_t>(bytes, 1), bytes >= kPage ? kPage : kLine);
}

std::byte* allocate(std::size_t size) {
  void* data = std::aligned_alloc(size >= kHugePage ? kHugePage : kLine, size);
  if (!data) throw std::bad_alloc();
  if (size >= kHugePage) madvise(data, size, MADV_HUGEPAGE);  // advice: failure changes nothing but speed
  return static_cast<std::byte*>(data);
}

}  // namespace

struct BufferPool::State {
  struct Block {
    std::byte* data;
    std::size_t size;
  };

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { evict_until(0); }

  // The smallest idle block that fits and wastes at most a quarter, or nullptr.
  std::byte* reuse(std::size_t& size) {
    const std::lock_guard lock(mutex);
    auto best = idle.end();
    for (auto block = idle.begin(); block != idle.end(); ++block)
      if (block->size >= size && block->size <= size + size / 4 && (best == idle.end() || block->size < best->size))
        best = block;
    const bool found = best != idle.end();
    std::byte* data = found ? best->data : nullptr;
    if (found) {
      size = best->size;
      idle_bytes -= size;
      idle.erase(best);
    }
    used_bytes += size;
    peak_bytes = std::max(peak_bytes, used_bytes);
    if (!found) evict_until(peak_bytes + peak_bytes / 4 - used_bytes);
    return data;
  }

  void give_back(std::byte* data, std::size_t size) noexcept {
    const std::lock_guard lock(mutex);
    used_bytes -= size;
    try {
      idle.push_back({data, size});
      idle_bytes += size;
      evict_until(peak_bytes + peak_bytes / 4 - used_bytes);
    } catch (const std::bad_alloc&) {
      std::free(data);
    }
  }

  // Frees the blocks that have been idle longest.
  void evict_until(std::size_t allowed) noexcept {
    while (idle_bytes > allowed) {
      idle_bytes -= idle.front().size;
      std::free(idle.front().data);
      idle.pop_front();
    }
  }

  mutable std::mutex mutex;
  std::list<Block> idle;  // in the order in which they were given back
  std::size_t idle_bytes = 0, used_bytes = 0, peak_bytes = 0;
};

BufferPool::BufferPool() : state_(std::make_shared<State>()) {}

std::shared_ptr<std::byte> BufferPool::take(std::size_t bytes) {
  std::size_t size = block_size(bytes);
  std::byte* data = state_->reuse(size);
  if (!data) {
    try {
      data = allocate(size);
    } catch (...) {
      const std::lock_guard lock(state_->mutex);
      state_->used_bytes -= size;
      throw;
    }
  }
  return {data, [state = std::weak_ptr(state_), size](std::byte* p) {
            if (const auto pool = state.lock())
              pool->give_back(p, size);
            else
              std::free(p);
          }};
}

std::size_t BufferPool::idle_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->idle_bytes;
}

}  // namespace safelight

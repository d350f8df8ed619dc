#include "core/buffer_pool.h"

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <mutex>
#include <new>

#include "core/fresh_memory.h"

namespace safelight {
namespace {

constexpr std::size_t kLine = 64, kPage = 4096, kHugePage = std::size_t{2} << 20, kDirect = std::size_t{512} << 10,
                      kSparing = std::size_t{64} << 10;

// Of a small model everything is kept: fetching its blocks anew took a quarter of its time.
constexpr std::size_t kLeastSpare = std::size_t{16} << 20;

std::size_t round_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

// Coarse sizes let a block serve requests that differ by a little.
std::size_t block_size(std::size_t bytes) {
  if (bytes >= kHugePage) return round_up(bytes, kHugePage);
  return round_up(std::max<std::size_t>(bytes, 1), bytes >= kPage ? kPage : kLine);
}

// Small blocks come from the C library. Others come from the system and go back there at once: the C library would keep
// much of what was freed to it, 300 MB in a picture of 512x512. Where that matters more than speed, few are small.
std::shared_ptr<std::byte> allocate(std::size_t size, bool sparing) {
  if (size >= (sparing ? kSparing : kDirect)) return fresh_memory(size);
  return {static_cast<std::byte*>(::operator new (size, std::align_val_t{kLine})),
          [](std::byte* p) { ::operator delete (p, std::align_val_t{kLine}); }};
}

// Not null, aligned, and in the lowest pages, which no process has.
std::shared_ptr<std::byte> imagine() {
  return {std::shared_ptr<void>(), reinterpret_cast<std::byte*>(std::uintptr_t{kLine})};
}

}  // namespace

struct BufferPool::State {
  using Memory = std::shared_ptr<std::byte>;
  struct Block {
    Memory memory;
    std::size_t size;
  };

  explicit State(Blocks blocks) : kind(blocks) {}

  // The smallest idle block that fits and wastes at most a quarter, or none.
  Memory reuse(std::size_t& size) {
    const std::lock_guard lock(mutex);
    auto best = idle.end();
    for (auto block = idle.begin(); block != idle.end(); ++block)
      if (block->size >= size && block->size <= size + size / 4 && (best == idle.end() || block->size < best->size))
        best = block;
    Memory found;
    if (best != idle.end()) {
      found = std::move(best->memory);
      size = best->size;
      idle_bytes -= size;
      idle.erase(best);
    }
    used_bytes += size;
    most_used_bytes = std::max(most_used_bytes, used_bytes);
    if (!found) evict_until(allowed_idle());
    peak_bytes = std::max(peak_bytes, used_bytes + idle_bytes);
    return found;
  }

  void give_back(Memory memory, std::size_t size) noexcept {
    const std::lock_guard lock(mutex);
    used_bytes -= size;
    try {
      idle.push_back({std::move(memory), size});
      idle_bytes += size;
      evict_until(allowed_idle());
    } catch (const std::bad_alloc&) {  // then it is not kept
    }
  }

  std::size_t allowed_idle() const noexcept {
    return most_used_bytes + (spare ? std::max(most_used_bytes / 4, kLeastSpare) : 0) - used_bytes;
  }

  bool sparing() const {
    const std::lock_guard lock(mutex);
    return !spare;
  }

  // Frees the blocks that have been idle longest.
  void evict_until(std::size_t allowed) noexcept {
    while (idle_bytes > allowed) {
      idle_bytes -= idle.front().size;
      idle.pop_front();
    }
  }

  const Blocks kind;
  mutable std::mutex mutex;
  std::list<Block> idle;  // in the order in which they were given back
  bool spare = true;
  std::size_t idle_bytes = 0, used_bytes = 0, most_used_bytes = 0, peak_bytes = 0;
};

BufferPool::BufferPool(Blocks blocks) : state_(std::make_shared<State>(blocks)) {}

std::shared_ptr<std::byte> BufferPool::take(std::size_t bytes) {
  std::size_t size = block_size(bytes);
  std::shared_ptr<std::byte> memory = state_->reuse(size);
  if (!memory) {
    try {
      memory = state_->kind == Blocks::imagined ? imagine() : allocate(size, state_->sparing());
    } catch (...) {
      const std::lock_guard lock(state_->mutex);
      state_->used_bytes -= size;
      throw;
    }
  }
  std::byte* const data = memory.get();
  return {data, [state = std::weak_ptr(state_), memory = std::move(memory), size](std::byte*) mutable {
            if (const auto pool = state.lock()) pool->give_back(std::move(memory), size);
          }};
}

void BufferPool::trim() noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->evict_until(0);
  state_->most_used_bytes = state_->used_bytes;
#ifdef __GLIBC__
  malloc_trim(0);  // small blocks went to the C library, which would keep them
#endif
}

void BufferPool::keep_spare(bool keep) noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->spare = keep;
  state_->evict_until(state_->allowed_idle());
}

std::size_t BufferPool::idle_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->idle_bytes;
}

std::size_t BufferPool::peak_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->peak_bytes;
}

}  // namespace safelight

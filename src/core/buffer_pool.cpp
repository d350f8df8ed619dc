#include "core/buffer_pool.h"

#include <algorithm>
#include <cstdint>
#include <list>
#include <mutex>
#include <new>
#include <utility>

#include "core/available_memory.h"
#include "core/fresh_memory.h"
#include "core/ranges.h"
#include "core/round_up.h"

#if defined(__SANITIZE_ADDRESS__)
#define SAFELIGHT_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SAFELIGHT_ADDRESS_SANITIZER
#endif
#endif
#ifdef SAFELIGHT_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace safelight {
namespace {

constexpr std::size_t kLine = 64, kPage = 4096;

// Addresses cost nothing, so there should be enough for one stretch to hold a step of most models; or they do.
constexpr std::size_t kLeastAddresses = std::size_t{1} << 30, kLeastLimitedAddresses = std::size_t{16} << 20;

#ifdef SAFELIGHT_ADDRESS_SANITIZER
constexpr std::size_t kGap = kLine;
void hide(const std::byte* from, std::size_t bytes) { __asan_poison_memory_region(from, bytes); }
void show(const std::byte* from, std::size_t bytes) { __asan_unpoison_memory_region(from, bytes); }
#else
constexpr std::size_t kGap = 0;
void hide(const std::byte*, std::size_t) {}
void show(const std::byte*, std::size_t) {}
#endif

// What a block of so many bytes takes.
std::size_t size_of_place(std::size_t bytes) {
  const std::size_t size = std::max<std::size_t>(bytes, 1) + kGap;
  return round_up(size, size >= kPage ? kPage : kLine);
}

// Some addresses, those of them that no block has, and the pages that were touched.
struct Stretch {
  ReservedMemory memory;  // none if it is imagined
  std::size_t size;
  bool counts_whole;  // all its pages as touched
  Ranges free, held;
};

}  // namespace

struct BufferPool::State {
  explicit State(Blocks blocks) : kind(blocks) {}

  // A place in one of the stretches.
  struct Place {
    Stretch* stretch;
    std::size_t begin, end;
  };

  Place take(std::size_t size) {
    const std::lock_guard lock(mutex);
    for (Stretch& stretch : stretches)
      if (const auto begin = stretch.free.first_of(size)) return occupy({&stretch, *begin, *begin + size});
    return occupy({&add_stretch(size), 0, size});
  }

  Stretch& add_stretch(std::size_t size) {
    const bool limited = addresses_are_limited();
    std::size_t addresses = std::max(limited ? kLeastLimitedAddresses : kLeastAddresses, round_up(size, kPage));
    if (!limited)  // twice as many every time, so there are never many stretches
      for (const Stretch& stretch : stretches) addresses = std::max(addresses, 2 * stretch.size);
    Stretch stretch{.memory = kind == Blocks::real ? ReservedMemory(addresses) : ReservedMemory(),
                    .size = addresses,
                    .counts_whole = limited,
                    .free = {},
                    .held = {}};
    stretch.free.insert(0, addresses);
    if (limited) stretch.held.insert(0, addresses);
    held_bytes += stretch.held.total();
    return stretches.emplace_back(std::move(stretch));
  }

  Place occupy(const Place& place) {
    Stretch& stretch = *place.stretch;
    if (kind == Blocks::real) stretch.memory.commit(place.end);
    stretch.free.erase(place.begin, place.end);
    held_bytes -= stretch.held.total();
    stretch.held.insert(place.begin / kPage * kPage, round_up(place.end, kPage));
    held_bytes += stretch.held.total();
    peak_bytes = std::max(peak_bytes, held_bytes);
    return place;
  }

  void give_back(const Place& place) noexcept {
    const std::lock_guard lock(mutex);
    try {
      place.stretch->free.insert(place.begin, place.end);
      if (closed) release_free_pages(0);
    } catch (const std::bad_alloc&) {  // then nothing is put there again
    }
  }

  void release_free_pages(std::size_t keep) {
    if (stretches.empty() || stretches.front().counts_whole || keep > stretches.front().size) keep = 0;
    held_bytes = 0;
    for (auto stretch = stretches.begin(); stretch != stretches.end();) {
      const std::size_t kept = std::exchange(keep, 0);  // of the first
      if (kept == 0 && stretch->free.total() == stretch->size) {
        show(stretch->memory.data(), stretch->memory.committed());
        stretch = stretches.erase(stretch);
        continue;
      }
      release_free_pages_of(*stretch, kept);
      held_bytes += stretch->held.total();
      ++stretch;
    }
  }

  // But for those of the first `kept` bytes.
  void release_free_pages_of(Stretch& stretch, std::size_t kept) const {
    for (const auto& [begin, end] : stretch.free) {
      const std::size_t first = round_up(std::max(begin, kept), kPage), last = end / kPage * kPage;
      if (first >= last) continue;
      if (kind == Blocks::real) stretch.memory.release(first, last);
      if (!stretch.counts_whole) stretch.held.erase(first, last);
    }
  }

  void trim(std::size_t keep) noexcept {
    const std::lock_guard lock(mutex);
    try {
      release_free_pages(keep);
    } catch (const std::bad_alloc&) {  // then they are kept
    }
  }

  const Blocks kind;
  mutable std::mutex mutex;
  std::list<Stretch> stretches;
  std::size_t held_bytes = 0, peak_bytes = 0;
  bool closed = false;  // the pool is gone
};

BufferPool::BufferPool(Blocks blocks) : state_(std::make_shared<State>(blocks)) {}

BufferPool::~BufferPool() { close(); }

BufferPool& BufferPool::operator=(BufferPool&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}

void BufferPool::close() noexcept {
  if (!state_) return;
  state_->trim(0);
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
}

std::size_t BufferPool::gap() noexcept { return kGap; }

std::shared_ptr<std::byte> BufferPool::take(std::size_t bytes) {
  const std::size_t size = size_of_place(bytes);
  const State::Place place = state_->take(size);
  if (state_->kind == Blocks::imagined)  // it lies in the lowest pages, which no process has
    return {reinterpret_cast<std::byte*>(std::uintptr_t{kLine}),
            [state = state_, place](std::byte*) { state->give_back(place); }};
  std::byte* const data = place.stretch->memory.data() + place.begin;
  show(data, bytes);
  hide(data + bytes, size - bytes);
  return {data, [state = state_, place, size](std::byte* p) {
            hide(p, size);
            state->give_back(place);
          }};
}

void BufferPool::trim(std::size_t keep) noexcept { state_->trim(keep); }

std::size_t BufferPool::held_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->held_bytes;
}

std::size_t BufferPool::peak_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->peak_bytes;
}

}  // namespace safelight

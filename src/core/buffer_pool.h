// Recycled memory for activations and scratch.
#pragma once

#include <cstddef>
#include <memory>

namespace safelight {

// The kernel hands out fresh memory page by page, zeroed: for large activations those page faults take as long as the
// arithmetic. So blocks are cut from long stretches of addresses, each from the first gap that it fits, and gaps that
// meet become one: a step of a model then lives in little more than what it has in use at one time, and the next one
// in the same pages, whatever sizes they ask for.
// Safe to use from several threads. Blocks may outlive the pool, and then keep no more than their own pages.
class BufferPool {
 public:
  // Imagined blocks have an address but no bytes: the pool does all that it would do with real ones, so that it can be
  // asked beforehand how much memory some work will take.
  enum class Blocks { real, imagined };
  explicit BufferPool(Blocks blocks = Blocks::real);
  ~BufferPool();
  BufferPool(BufferPool&&) noexcept = default;  // what is left takes no blocks
  BufferPool& operator=(BufferPool&& other) noexcept;

  // At least `bytes` uninitialised bytes, aligned to 64 (to pages, if all sizes are whole pages), in huge pages where
  // the system has them. The block returns to the pool with its last reference. Throws Error(limit) if the system has
  // no such memory. An imagined block must not be touched: that ends the process.
  std::shared_ptr<std::byte> take(std::size_t bytes);

  // Bytes between blocks: none, but for the address sanitizer, which then sees who writes beyond his own.
  static std::size_t gap() noexcept;

  // Gives the pages that no block is in back to the system: for the end of a phase, so that they do not add to what the
  // next one needs. `keep`: the most that the next one will hold. It will put that many bytes at the lowest addresses
  // that there are, so pages stay there. (None do where it may need a second stretch of addresses, which can leave a
  // part of the first unused, or where addresses are limited.)
  void trim(std::size_t keep = 0) noexcept;

  // Bytes of pages that blocks are in, or have been since the last trim(); and the most that there ever were. Where
  // addresses are limited, too, of all that the pool has.
  std::size_t held_bytes() const;
  std::size_t peak_bytes() const;

 private:
  void close() noexcept;

  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace safelight

// Recycled memory for activations and scratch.
#pragma once

#include <cstddef>
#include <memory>

namespace safelight {

// The kernel hands out fresh memory page by page, zeroed: for large activations those page faults take as long as the
// arithmetic. A model asks for the same sizes in every step, so blocks are kept and handed out again.
// Safe to use from several threads. Blocks may outlive the pool; they are then freed instead of kept.
class BufferPool {
 public:
  // Imagined blocks have an address but no bytes: the pool does all that it would do with real ones, so that it can be
  // asked beforehand how much memory some work will take.
  enum class Blocks { real, imagined };
  explicit BufferPool(Blocks blocks = Blocks::real);

  // At least `bytes` uninitialised bytes, aligned to 64 (large blocks to 2 MiB, in huge pages where the system has
  // them). The block returns to the pool with its last reference. Throws std::bad_alloc, or Error(limit) for a large
  // one. An imagined block must not be touched: that ends the process.
  std::shared_ptr<std::byte> take(std::size_t bytes);

  // Gives all idle blocks back to the system and forgets how much was in use: for the end of a phase whose sizes will
  // not be asked for again.
  void trim() noexcept;

  // Idle and used blocks together never exceed the most that was in use at once since trim(), and a quarter or 16 MiB
  // more if spare memory is kept, as it is at first.
  void keep_spare(bool keep) noexcept;

  // Bytes kept for reuse.
  std::size_t idle_bytes() const;

  // The most that used and idle blocks have taken together.
  std::size_t peak_bytes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace safelight

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
  BufferPool();

  // At least `bytes` uninitialised bytes, aligned to 64 (large blocks to 2 MiB, in huge pages where the system has
  // them). The block returns to the pool with its last reference. Throws std::bad_alloc.
  std::shared_ptr<std::byte> take(std::size_t bytes);

  // Bytes kept for reuse. Idle and used blocks together never exceed 1.25 times the most that was in use at once.
  std::size_t idle_bytes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace safelight

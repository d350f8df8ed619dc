// Large pieces of new memory.
#pragma once

#include <cstddef>
#include <memory>

namespace safelight {

// This many bytes that read as zeros, given back to the system when the last pointer goes. They begin at a multiple of
// 2 MiB and ask for huge pages, where filling them costs 512 times fewer page faults. Throws Error(limit) if the
// system has none. REQUIRES: bytes > 0.
std::shared_ptr<std::byte> fresh_memory(std::size_t bytes);

// Addresses that begin at a multiple of 2 MiB, of which only the first so many may be touched; the others cost nothing.
class ReservedMemory {
 public:
  ReservedMemory() = default;

  // Throws Error(limit) if the process may not have so many. REQUIRES: bytes > 0.
  explicit ReservedMemory(std::size_t bytes);

  std::byte* data() const noexcept { return data_.get(); }
  std::size_t committed() const noexcept { return committed_; }  // at least what may be touched

  // From now on the first `bytes` may be touched. Throws Error(limit) if the system does not promise so many.
  void commit(std::size_t bytes);

  // Gives pages [begin, end), multiples of 4096, back to the system: they read as zeros when they are touched again.
  void release(std::size_t begin, std::size_t end) noexcept;

 private:
  std::shared_ptr<std::byte> data_;
  std::size_t size_ = 0, committed_ = 0;
};

// Gives what the C library keeps of freed memory back to the system.
void release_freed_memory() noexcept;

}  // namespace safelight

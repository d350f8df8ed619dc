// What happens when a mapped file loses bytes: a process that touches them gets SIGBUS, which ends it unless handled.
//
// The handler puts zeros where the bytes were, and marks the mapping as lost, so that the code that reads goes on,
// unwinds as always, and is told afterwards. Jumping out of the handler instead would skip destructors, and a file
// that is lost in one thread would leave the others to die.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace safelight {

// One mapping as the handler knows it: a part of MappedFile.
class WatchedMapping {
 public:
  WatchedMapping(std::filesystem::path path, int fd, std::span<const std::byte> bytes);
  ~WatchedMapping();
  WatchedMapping(const WatchedMapping&) = delete;
  WatchedMapping& operator=(const WatchedMapping&) = delete;

  // Between these, touching lost bytes of this mapping gives zeros; any number of them may overlap, on any thread.
  // guard() throws Error(limit) if more than 4096 files are mapped.
  void guard() const;
  void unguard() const noexcept;

  // Throws Error(io), naming file and offset, if bytes were lost: touched under a guard, or the file is shorter now.
  void check() const;

 private:
  friend struct MappingTable;
  static constexpr std::uint64_t kIntact = ~std::uint64_t{0};

  const std::filesystem::path path_;
  const int fd_;
  const std::span<const std::byte> bytes_;
  mutable std::atomic<int> guards_{0};
  mutable std::atomic<std::uint64_t> lost_{kIntact};  // offset of the first byte found missing
  const int slot_;  // in the handler's table; -1 if it was full. Last, because the table shows the rest to others
};

// For a program, which may own the process's signals: from here on all mappings are guarded, and `on_loss` is called
// from the handler, so it may do only what a signal handler may.
void guard_all_mappings(void (*on_loss)() noexcept);

// Throws Error(io) like check() if any mapping has lost bytes since guard_all_mappings(), closed ones included. Does
// nothing without it. For moments after which the harm would be done: before a result is put in its place.
void check_all_mappings();

}  // namespace safelight

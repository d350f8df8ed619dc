// Reads that the kernel carries out while we do something else: io_uring, as far as reading files needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace safelight {

// For one thread at a time. The buffers of reads under way must outlive the ring: its destructor waits for them.
class IoRing {
 public:
  // Room for this many reads at a time. Null where the kernel has no io_uring (before 5.6) or refuses it, as
  // containers often do.
  static std::unique_ptr<IoRing> create(unsigned reads);
  ~IoRing();
  IoRing(const IoRing&) = delete;
  IoRing& operator=(const IoRing&) = delete;

  // Begins to read; `tag` comes back with the result. REQUIRES: fewer reads under way than the ring has room for.
  // Throws Error(io) if the kernel does not take it.
  void read(int fd, std::uint64_t offset, std::span<std::byte> to, std::uint64_t tag);

  unsigned under_way() const noexcept { return under_way_; }

  // Waits until one is done. REQUIRES: one is under way. Throws Error(io).
  struct Done {
    std::uint64_t tag;
    int result;  // bytes read, which may be fewer, or -errno
  };
  Done wait();

 private:
  struct Ring;
  explicit IoRing(std::unique_ptr<Ring> ring);

  std::unique_ptr<Ring> ring_;
  unsigned under_way_ = 0;
};

}  // namespace safelight

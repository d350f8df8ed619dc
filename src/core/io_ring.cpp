// Two queues in memory that is shared with the kernel: we write requests at the tail of one and it takes them from the
// head, it writes results at the tail of the other and we take them. Spoken to without liburing: with one thread and
// one kind of request, that is two system calls, and nobody who links the library needs another.
#include "core/io_ring.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/fail.h"
#include "core/file_descriptor.h"

namespace safelight {
namespace {

class SharedMemory {
 public:
  SharedMemory(int ring, std::size_t bytes, std::uint64_t what)
      : data_(
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, static_cast<off_t>(what))),
        bytes_(bytes) {}
  ~SharedMemory() {
    if (*this) ::munmap(data_, bytes_);
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  explicit operator bool() const noexcept { return data_ != MAP_FAILED; }
  template <class T>
  T* at(std::size_t offset) const noexcept {
    return reinterpret_cast<T*>(static_cast<std::byte*>(data_) + offset);
  }

 private:
  void* data_;
  std::size_t bytes_;
};

std::size_t queue_bytes(const io_uring_params& p) {
  return std::max<std::size_t>(p.sq_off.array + p.sq_entries * sizeof(unsigned),
                               p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe));
}

}  // namespace

struct IoRing::Ring {
  Ring(FileDescriptor ring, const io_uring_params& p)
      : fd(std::move(ring)),
        queues(fd.get(), queue_bytes(p), IORING_OFF_SQ_RING),
        requests(fd.get(), p.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES),
        sq(p.sq_off),
        cq(p.cq_off) {}

  explicit operator bool() const noexcept { return queues && requests; }
  std::atomic_ref<unsigned> sq_tail() const { return std::atomic_ref(*queues.at<unsigned>(sq.tail)); }
  std::atomic_ref<unsigned> cq_head() const { return std::atomic_ref(*queues.at<unsigned>(cq.head)); }
  std::atomic_ref<unsigned> cq_tail() const { return std::atomic_ref(*queues.at<unsigned>(cq.tail)); }

  long enter(unsigned submit, unsigned wait_for) const {
    return ::syscall(__NR_io_uring_enter, fd.get(), submit, wait_for, wait_for > 0 ? IORING_ENTER_GETEVENTS : 0u,
                     nullptr, 0);
  }

  FileDescriptor fd;
  SharedMemory queues, requests;
  io_sqring_offsets sq;
  io_cqring_offsets cq;
};

IoRing::IoRing(std::unique_ptr<Ring> ring) : ring_(std::move(ring)) {}

std::unique_ptr<IoRing> IoRing::create(unsigned reads) {
  io_uring_params parameters{};
  FileDescriptor fd(static_cast<int>(::syscall(__NR_io_uring_setup, reads, &parameters)));
  // The second came with the request that we use, in Linux 5.6.
  constexpr unsigned kNeeded = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_RW_CUR_POS;
  if (!fd || (parameters.features & kNeeded) != kNeeded) return nullptr;
  auto ring = std::make_unique<Ring>(std::move(fd), parameters);
  if (!*ring) return nullptr;
  return std::unique_ptr<IoRing>(new IoRing(std::move(ring)));
}

// A failure here would mean that the kernel may still write to the buffers.
IoRing::~IoRing() {
  try {
    while (under_way_ > 0) wait();
  } catch (...) {
    std::terminate();
  }
}

void IoRing::read(int fd, std::uint64_t offset, std::span<std::byte> to, std::uint64_t tag) {
  const unsigned tail = ring_->sq_tail().load(std::memory_order_relaxed);
  const unsigned slot = tail & *ring_->queues.at<unsigned>(ring_->sq.ring_mask);
  io_uring_sqe& request = *ring_->requests.at<io_uring_sqe>(slot * sizeof(io_uring_sqe));
  request = {};
  request.opcode = IORING_OP_READ;
  request.fd = fd;
  request.off = offset;
  request.addr = reinterpret_cast<std::uintptr_t>(to.data());
  request.len = static_cast<unsigned>(to.size());
  request.user_data = tag;
  *ring_->queues.at<unsigned>(ring_->sq.array + slot * sizeof(unsigned)) = slot;
  ring_->sq_tail().store(tail + 1, std::memory_order_release);
  while (ring_->enter(1, 0) != 1)
    if (errno != EINTR && errno != EAGAIN && errno != EBUSY) {
      ring_->sq_tail().store(tail, std::memory_order_release);
      fail(ErrorCategory::io, "[read] the kernel takes no read request: {}", std::strerror(errno));
    }
  ++under_way_;
}

IoRing::Done IoRing::wait() {
  const unsigned head = ring_->cq_head().load(std::memory_order_relaxed);
  while (ring_->cq_tail().load(std::memory_order_acquire) == head)
    if (ring_->enter(0, 1) < 0 && errno != EINTR)
      fail(ErrorCategory::io, "[read] waiting for read requests failed: {}", std::strerror(errno));
  const unsigned slot = head & *ring_->queues.at<unsigned>(ring_->cq.ring_mask);
  const auto& result = *ring_->queues.at<io_uring_cqe>(ring_->cq.cqes + slot * sizeof(io_uring_cqe));
  const Done done{result.user_data, result.res};
  ring_->cq_head().store(head + 1, std::memory_order_release);
  --under_way_;
  return done;
}

}  // namespace safelight

#include "format/direct_read.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "core/fresh_memory.h"
#include "core/io_ring.h"
#include "core/read_fully.h"
#include "core/workers.h"

namespace safelight {
namespace {

// O_DIRECT wants offsets, lengths and addresses that are multiples of the disk's block, which is 512 or 4096.
constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kMostReads = 32;  // under way; more than any disk needs for its full speed

// One job and the reads it takes: the blocks that its bytes lie in, to a buffer.
class BlockRead {
 public:
  BlockRead(const SafeTensors& file, int fd, std::span<std::byte> buffer) : file_(&file), fd_(fd), buffer_(buffer) {}

  ReadJob& job() noexcept { return job_; }

  // REQUIRES: a new job.
  void begin() noexcept {
    begin_ = job_.offset / kBlock * kBlock;
    filled_ = 0;
  }
  bool done() const noexcept { return begin_ + filled_ >= job_.end(); }

  // What to read next.
  std::uint64_t offset() const noexcept { return begin_ + filled_; }
  std::span<std::byte> place() const noexcept {
    const std::uint64_t end = (job_.end() + kBlock - 1) / kBlock * kBlock;
    return buffer_.subspan(filled_, end - offset());
  }

  // `result`: bytes, or -errno. A read may be short at the end of the file, or anywhere if a signal came.
  void advance(long result) {
    if (result == -EINTR || result == -EAGAIN) return;
    if (result == -EINVAL && use_cache()) return;  // blocks larger than ours
    if (result < 0) fail_read(file_->path(), offset(), static_cast<int>(-result));
    filled_ += static_cast<std::uint64_t>(result);
    if (done()) return;
    const std::uint64_t whole = filled_ / kBlock * kBlock;
    if (result == 0 || filled_ > whole) fail_ended(file_->path(), offset(), job_.end() - offset());
  }

  void hand_out(ReadJobs& jobs) const {
    ReadJobs::scatter(job_, buffer_.data() + (job_.offset - begin_));
    jobs.finish(job_, (job_.end() + kBlock - 1) / kBlock * kBlock - begin_);
  }

 private:
  bool use_cache() const {
    const int flags = ::fcntl(fd_, F_GETFL);
    return flags >= 0 && (flags & O_DIRECT) && ::fcntl(fd_, F_SETFL, flags & ~O_DIRECT) == 0;
  }

  const SafeTensors* file_;
  int fd_;
  std::span<std::byte> buffer_;
  ReadJob job_;
  std::uint64_t begin_ = 0, filled_ = 0;
};

// As many as the options allow, side by side in one piece of memory.
class Buffers {
 public:
  Buffers(const ReadJobs& jobs, int count)
      : each_((jobs.largest() / kBlock + 3) * kBlock), memory_(fresh_memory(each_ * static_cast<std::size_t>(count))) {}

  std::span<std::byte> at(int i) const noexcept { return {memory_.get() + each_ * static_cast<std::size_t>(i), each_}; }

 private:
  std::size_t each_;
  std::shared_ptr<std::byte> memory_;
};

void read_by_threads(const SafeTensors& file, int fd, ReadJobs& jobs, int threads) {
  const Buffers buffers(jobs, threads);
  std::vector<BlockRead> reads;
  reads.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) reads.emplace_back(file, fd, buffers.at(i));
  const auto step = [&](int worker) {
    BlockRead& read = reads[static_cast<std::size_t>(worker)];
    if (!jobs.take(read.job())) return false;
    read.begin();
    while (!read.done()) {
      const std::span<std::byte> to = read.place();
      const ssize_t n = ::pread(fd, to.data(), to.size(), static_cast<off_t>(read.offset()));
      read.advance(n < 0 ? -errno : n);
    }
    read.hand_out(jobs);
    return true;
  };
  run_workers(threads, jobs.context(), step, [&] { jobs.report_progress(); });
}

void read_by_ring(const SafeTensors& file, int fd, ReadJobs& jobs, std::unique_ptr<IoRing> made, int depth) {
  const Buffers buffers(jobs, depth);
  const std::unique_ptr<IoRing> ring = std::move(made);  // goes before the buffers
  std::vector<BlockRead> reads;
  reads.reserve(static_cast<std::size_t>(depth));
  for (int i = 0; i < depth; ++i) reads.emplace_back(file, fd, buffers.at(i));
  const auto submit = [&](std::size_t i) { ring->read(fd, reads[i].offset(), reads[i].place(), i); };
  const auto begin_next = [&](std::size_t i) {
    if (!jobs.take(reads[i].job())) return;
    reads[i].begin();
    submit(i);
  };
  for (std::size_t i = 0; i < reads.size(); ++i) begin_next(i);
  while (ring->under_way() > 0) {
    jobs.context().check_cancelled();
    const IoRing::Done done = ring->wait();
    BlockRead& read = reads[done.tag];
    read.advance(done.result);
    if (!read.done()) {
      submit(done.tag);
      continue;
    }
    read.hand_out(jobs);
    jobs.report_progress();
    begin_next(done.tag);
  }
}

}  // namespace

FileDescriptor open_direct(int fd) {
  return FileDescriptor(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
}

bool read_direct(const SafeTensors& file, int past_cache, ReadJobs& jobs, int threads) {
  const int depth = static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(jobs.buffers()), kMostReads));
  if (auto ring = IoRing::create(static_cast<unsigned>(depth))) {
    read_by_ring(file, past_cache, jobs, std::move(ring), depth);
    return true;
  }
  read_by_threads(file, past_cache, jobs, std::min(threads, depth));
  return false;
}

}  // namespace safelight

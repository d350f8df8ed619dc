// Carries out read requests.
#pragma once

#include <atomic>
#include <mutex>
#include <span>

#include "core/file_descriptor.h"
#include "format/read_plan.h"
#include "safelight/read.h"

namespace safelight {

// The jobs of one call, handed out to its threads, and what became of them.
class ReadJobs {
 public:
  ReadJobs(std::span<const ReadRequest> requests, const ReadOptions& options, const Context& context);

  // The next job, for any thread; false at the end.
  bool take(ReadJob& job);

  // Copies a job's pieces from its bytes, which `bytes` holds from job.offset on.
  static void scatter(const ReadJob& job, const std::byte* bytes) noexcept;

  // For any thread: the job is done, and took `bytes_read` from the file.
  void finish(const ReadJob& job, std::uint64_t bytes_read) noexcept;

  // On the calling thread.
  void report_progress() const { context_.report("read", static_cast<std::int64_t>(done_), total_); }

  // What a buffer must hold for the largest job.
  std::uint64_t largest() const noexcept { return grain_.block_bytes + kLongestRunInRow; }
  // How many such buffers the options allow, at least 1.
  int buffers() const noexcept { return buffers_; }
  const Context& context() const noexcept { return context_; }
  void add_to(ReadReport& report) const;

 private:
  const Context& context_;
  ReadGrain grain_;
  int buffers_;
  std::int64_t total_ = 0;
  std::mutex mutex_;  // of the planner
  ReadPlanner planner_;
  std::atomic<std::uint64_t> done_{0}, bytes_read_{0}, reads_{0};
};

// All of the above, by the strategy that the options name or that suits the file. Throws as read.h says.
ReadReport read_requests(const SafeTensors& file, std::span<const ReadRequest> requests, const ReadOptions& options,
                         const Context& context);

}  // namespace safelight

#include "format/read_jobs.h"

#include <algorithm>
#include <thread>

#include "core/fail.h"
#include "core/read_fully.h"
#include "core/workers.h"
#include "format/direct_read.h"
#include "format/read_strategy.h"
#include "format/safetensors_state.h"
#include "safelight/guard.h"

namespace safelight {
namespace {

std::uint64_t bytes_of(const StridedCopy& copy) {
  if (copy.empty) return 0;
  std::uint64_t bytes = copy.row.bytes * copy.row.count;
  for (const StridedCopy::Axis& axis : copy.axes) bytes *= axis.count;
  return bytes;
}

std::uint64_t bytes_of(const ReadJob& job) {
  std::uint64_t bytes = 0;
  for (const ReadPiece& piece : job.pieces) bytes += piece.row.bytes * piece.row.count;
  return bytes;
}

// Each thread reads its jobs with pread(): straight to their places where these are contiguous.
class ParallelRead {
 public:
  ParallelRead(const SafeTensors& file, ReadJobs& jobs, int threads)
      : file_(file), jobs_(jobs), workers_(static_cast<std::size_t>(threads)) {}

  bool step(int worker) {
    Worker& mine = workers_[static_cast<std::size_t>(worker)];
    if (!jobs_.take(mine.job)) return false;
    if (mine.job.dense)
      read_dense(mine);
    else
      read_through_buffer(mine);
    jobs_.finish(mine.job, mine.job.bytes);
    return true;
  }

 private:
  struct Worker {
    ReadJob job;
    std::vector<iovec> places;
    std::vector<std::byte> buffer;
  };

  void read_dense(Worker& mine) {
    mine.places.clear();
    for (const ReadPiece& piece : mine.job.pieces) mine.places.push_back({piece.to + piece.row.to, piece.row.bytes});
    read_fully(file_.descriptor(), file_.path(), mine.job.offset, mine.places);
  }

  void read_through_buffer(Worker& mine) {
    if (mine.buffer.size() < mine.job.bytes) mine.buffer.resize(mine.job.bytes);
    file_.read(mine.job.offset, std::span(mine.buffer).first(mine.job.bytes));
    ReadJobs::scatter(mine.job, mine.buffer.data());
  }

  const SafeTensors& file_;
  ReadJobs& jobs_;
  std::vector<Worker> workers_;
};

void read_parallel(const SafeTensors& file, ReadJobs& jobs, int threads) {
  threads = std::min(threads, jobs.buffers());
  ParallelRead read(file, jobs, threads);
  run_workers(
      threads, jobs.context(), [&](int worker) { return read.step(worker); }, [&] { jobs.report_progress(); });
}

void read_mapped(const SafeTensors& file, ReadJobs& jobs, int threads) {
  const std::byte* const bytes = FormatAccess::state(file).file.data();
  const MappingGuard guard(file);
  const auto step = [&](int /*worker*/) {
    ReadJob job;
    if (!jobs.take(job)) return false;
    for (const ReadPiece& piece : job.pieces) copy_row(piece.row, bytes, piece.to);
    jobs.finish(job, bytes_of(job));
    return true;
  };
  run_workers(threads, jobs.context(), step, [&] { jobs.report_progress(); });
  guard.check();
}

}  // namespace

ReadJobs::ReadJobs(std::span<const ReadRequest> requests, const ReadOptions& options, const Context& context)
    : context_(context),
      grain_{std::clamp<std::uint64_t>(options.block_bytes, 4096, std::uint64_t{1} << 30),
             std::min(options.max_gap, std::uint64_t{1} << 30)},
      buffers_(static_cast<int>(std::clamp<std::uint64_t>(options.buffer_bytes / grain_.block_bytes, 1, 1024))),
      planner_(requests, grain_) {
  for (const ReadRequest& request : requests) total_ += static_cast<std::int64_t>(bytes_of(request.copy));
}

bool ReadJobs::take(ReadJob& job) {
  const std::lock_guard lock(mutex_);
  return planner_.next(job);
}

void ReadJobs::scatter(const ReadJob& job, const std::byte* bytes) noexcept {
  for (const ReadPiece& piece : job.pieces) {
    StridedRow row = piece.row;
    row.from -= job.offset;
    copy_row(row, bytes, piece.to);
  }
}

void ReadJobs::finish(const ReadJob& job, std::uint64_t bytes_read) noexcept {
  done_ += bytes_of(job);
  bytes_read_ += bytes_read;
  ++reads_;
}

void ReadJobs::add_to(ReadReport& report) const {
  report.bytes = static_cast<std::uint64_t>(total_);
  report.bytes_read = bytes_read_;
  report.reads = reads_;
}

ReadReport read_requests(const SafeTensors& file, std::span<const ReadRequest> requests, const ReadOptions& options,
                         const Context& context) {
  ReadJobs jobs(requests, options, context);
  ReadReport report;
  jobs.add_to(report);
  ReadChoice choice = choose_strategy(file, requests, report.bytes, options.strategy);
  const int threads = context.threads > 0 ? context.threads : choice.threads;
  if (choice.strategy == ReadStrategy::direct) {
    const FileDescriptor past_cache = open_direct(file.descriptor());
    if (past_cache) {
      report.io_uring = read_direct(file, past_cache.get(), jobs, threads);
    } else {
      choice.strategy = ReadStrategy::parallel;
      choice.reason += "; its file system has no O_DIRECT";
    }
  }
  if (choice.strategy == ReadStrategy::parallel) read_parallel(file, jobs, threads);
  if (choice.strategy == ReadStrategy::map) read_mapped(file, jobs, threads);
  report.strategy = choice.strategy;
  report.reason = std::move(choice.reason);
  jobs.add_to(report);
  return report;
}

}  // namespace safelight

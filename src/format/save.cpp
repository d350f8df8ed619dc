// Whole files in one call.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/thread_pool.h"
#include "format/header_text.h"
#include "format/rules.h"
#include "safelight/writer.h"
#include "tensor/byte_size.h"

namespace safelight {
namespace {

constexpr std::uint64_t kInFlight = std::uint64_t{128} << 20;
constexpr std::size_t kPiece = std::size_t{8} << 20;  // between two reports, and looks at the cancel token

// Memory that the threads share. Whoever asks for more than there is waits for the others, unless there are none.
class MemoryBudget {
 public:
  class Share {
   public:
    Share(MemoryBudget& budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) { budget_.take(bytes_); }
    ~Share() { budget_.give_back(bytes_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    MemoryBudget& budget_;
    std::uint64_t bytes_;
  };

 private:
  void take(std::uint64_t bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return used_ == 0 || (bytes <= kInFlight && used_ <= kInFlight - bytes); });
    used_ += bytes;
  }
  void give_back(std::uint64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      used_ -= bytes;
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t used_ = 0;
};

Tensor made(const PendingTensor& pending) {
  Tensor t = pending.make();
  if (t.empty()) fail(ErrorCategory::model, "[save] tensor \"{}\" came without bytes", shown(pending.name));
  if (t.dtype() != pending.dtype || t.shape() != pending.shape)
    fail(ErrorCategory::model, "[save] tensor \"{}\" was to be {} {}, but {} {} came", shown(pending.name),
         name(pending.dtype), to_string(pending.shape), name(t.dtype()), to_string(t.shape()));
  return t;
}

// The bytes written so far; reports come from the thread that called, as Context demands.
class WriteProgress {
 public:
  WriteProgress(std::int64_t total, const Context& context) : context_(context), total_(total) {}

  void add(std::size_t bytes, int worker) {
    context_.check_cancelled();
    const std::int64_t done = done_ += static_cast<std::int64_t>(bytes);
    if (worker == 0) context_.report("write", done, total_);
  }

  void finish() { context_.report("write", total_, total_); }

 private:
  const Context& context_;
  const std::int64_t total_;
  std::atomic<std::int64_t> done_{0};
};

}  // namespace

SaveReport save(const std::filesystem::path& path, std::span<const PendingTensor> tensors, const Metadata& metadata,
                const SaveOptions& options, const Context& context) {
  std::vector<TensorSpec> specs;
  specs.reserve(tensors.size());
  for (const PendingTensor& t : tensors) specs.push_back({t.name, t.dtype, t.shape});
  Writer writer(path, specs, metadata, options);
  std::uint64_t total = 0;
  for (const PendingTensor& t : tensors) total += byte_size(t.dtype, t.shape);
  WriteProgress progress(static_cast<std::int64_t>(total), context);
  {
    MemoryBudget memory;
    ThreadPool pool(context.threads, context.cancel);
    pool.parallel_for(static_cast<std::int64_t>(tensors.size()), [&](std::int64_t task, int worker) {
      const std::size_t i = writer.order()[static_cast<std::size_t>(task)];
      const MemoryBudget::Share share(memory, byte_size(tensors[i].dtype, tensors[i].shape));
      progress.add(0, worker);
      const Tensor tensor = made(tensors[i]);
      if (options.hashes || tensor.bytes() <= kPiece) {
        writer.write(i, {tensor.data(), tensor.bytes()});
        progress.add(tensor.bytes(), worker);
        return;
      }
      for (std::size_t done = 0; done < tensor.bytes(); done += kPiece) {
        const std::size_t piece = std::min(kPiece, tensor.bytes() - done);
        writer.write(i, {tensor.data() + done, piece}, done);
        progress.add(piece, worker);
      }
    });
  }
  progress.finish();
  return writer.finish();
}

void save(const std::filesystem::path& path, std::span<const NamedTensor> tensors, const Metadata& metadata) {
  std::vector<PendingTensor> pending;
  pending.reserve(tensors.size());
  for (const NamedTensor& t : tensors) {
    if (t.tensor.empty()) fail(ErrorCategory::usage, "[save] tensor \"{}\" is empty", shown(t.name));
    pending.push_back({t.name, t.tensor.dtype(), t.tensor.shape(), [tensor = t.tensor] { return tensor; }});
  }
  // Threads are not worth starting for what is written in a few milliseconds.
  std::uint64_t total = 0;
  for (const PendingTensor& t : pending) total += byte_size(t.dtype, t.shape);
  save(path, pending, metadata, {}, {.threads = total < kInFlight ? 1 : 0});
}

}  // namespace safelight

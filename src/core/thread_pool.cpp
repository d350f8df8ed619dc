#include "core/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <exception>

#include "core/fail.h"

namespace safelight {
namespace {

// Long enough to bridge the serial code between two layers, short enough not to burn a shared core while idle.
constexpr auto kSpin = std::chrono::microseconds(200);

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Asked once: later the calling thread may be pinned by another pool.
const std::vector<int>& allowed_cores() {
  static const std::vector<int> allowed = [] {
    std::vector<int> cores;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
      for (int core = 0; core < CPU_SETSIZE; ++core)
        if (CPU_ISSET(core, &set)) cores.push_back(core);
    if (cores.empty()) cores.push_back(0);
    return cores;
  }();
  return allowed;
}

// Unpinned threads end up sharing a core for milliseconds at a time.
void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

// Pools of this thread that pin it, and the cores it may use once there is none.
struct Owner {
  int pins = 0;
  cpu_set_t cores;
};
thread_local Owner owner;

void pin_owner() {
  if (owner.pins++ == 0) pthread_getaffinity_np(pthread_self(), sizeof owner.cores, &owner.cores);
  pin_to(allowed_cores()[0]);
}

void unpin_owner() {
  if (--owner.pins == 0) pthread_setaffinity_np(pthread_self(), sizeof owner.cores, &owner.cores);
}

}  // namespace

int available_cores() { return static_cast<int>(allowed_cores().size()); }

// A pool that takes all cores is pinned: the calling thread is worker 0 and takes the first core while the pool lives,
// the others one each. Smaller ones are not, because several of them in one process would share their cores.
ThreadPool::ThreadPool(int threads, const CancelToken* cancel) : cancel_(cancel) {
  const std::vector<int>& cores = allowed_cores();
  const int total = threads > 0 ? threads : available_cores();
  const bool pin = total > 1 && total == available_cores();
  if (pin) pin_owner();
  owner_pinned_ = pin;
  try {
    for (int worker = 1; worker < total; ++worker)
      workers_.emplace_back(
          [this, worker, core = pin ? cores[static_cast<std::size_t>(worker)] : -1] { worker_main(worker, core); });
  } catch (const std::exception&) {
    // The system has no more threads, or no memory for one: those that started do the work.
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  if (owner_pinned_) unpin_owner();
}

void ThreadPool::run(std::int64_t tasks, Call call, void* body) {
  if (cancel_ && cancel_->cancelled()) fail(ErrorCategory::cancelled, "cancelled");
  call_ = call, body_ = body, tasks_ = tasks;
  next_ = 0;
  failed_ = false;
  error_ = nullptr;
  if (tasks > 1 && !workers_.empty()) {
    busy_ = static_cast<int>(workers_.size());
    generation_.fetch_add(1);
    if (sleeping_.load() > 0) {
      { const std::lock_guard lock(mutex_); }
      wake_.notify_all();
    }
    work_on_loop(0);
    for (int i = 1; busy_.load(std::memory_order_acquire) > 0; ++i) {
      if (i % 1024 == 0) sched_yield();  // a worker may be waiting for this very core
      pause_cpu();
    }
  } else {
    work_on_loop(0);
  }
  if (error_) std::rethrow_exception(error_);
  if (cancel_ && cancel_->cancelled()) fail(ErrorCategory::cancelled, "cancelled");
}

void ThreadPool::work_on_loop(int worker) noexcept {
  for (;;) {
    const std::int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_ || failed_.load(std::memory_order_relaxed) || (cancel_ && cancel_->cancelled())) return;
    try {
      call_(body_, task, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }
}

void ThreadPool::worker_main(int worker, int core) {
  if (core >= 0) pin_to(core);
  std::uint64_t seen = 0;
  for (;;) {
    const std::uint64_t now = wait_for_loop(seen);
    if (stop_) return;
    seen = now;
    work_on_loop(worker);
    busy_.fetch_sub(1, std::memory_order_release);
  }
}

// Returns the number of the loop to work on, or any number once the pool stops.
std::uint64_t ThreadPool::wait_for_loop(std::uint64_t seen) {
  const auto give_up = std::chrono::steady_clock::now() + kSpin;
  for (int i = 0;; ++i) {
    const std::uint64_t now = generation_.load(std::memory_order_acquire);
    if (now != seen || stop_) return now;
    if (i % 64 == 63 && std::chrono::steady_clock::now() > give_up) break;
    pause_cpu();
  }
  std::unique_lock lock(mutex_);
  sleeping_.fetch_add(1);
  wake_.wait(lock, [&] { return generation_.load() != seen || stop_; });
  sleeping_.fetch_sub(1);
  return generation_.load(std::memory_order_acquire);
}

}  // namespace safelight

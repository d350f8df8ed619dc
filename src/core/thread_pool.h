// A pool of threads for work that comes as many short parallel loops.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "safelight/context.h"

namespace safelight {

// Cores that this process may run on, asked once; at least 1.
int available_cores();

// Runs loops of independent tasks, handed out one by one: cores of unequal speed (a shared machine) stay equally busy.
// Workers spin for a while after a loop, because the next follows within microseconds, then sleep.
// One loop at a time: parallel_for is called from the thread that made the pool, and never from inside a task. That
// thread destroys the pool, too. A pool of as many threads as there are cores pins it while the pool lives, so threads
// that it starts meanwhile inherit its core.
class ThreadPool {
 public:
  // threads = 0: available_cores(). Fewer, down to the calling one, if the system has
  // no more.
  explicit ThreadPool(int threads = 0, const CancelToken* cancel = nullptr);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(task, worker) once for every task in [0, tasks), worker in [0, size()). Which worker gets which task is
  // not determined, so a result that must not depend on the number of threads must not depend on `worker` either.
  // Throws Error(cancelled) when the token is set: remaining tasks are skipped. The first exception of a body is
  // rethrown.
  template <class Body>
  void parallel_for(std::int64_t tasks, Body&& body) {
    using Plain = std::remove_reference_t<Body>;
    run(
        tasks, [](void* b, std::int64_t task, int worker) { (*static_cast<Plain*>(b))(task, worker); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  using Call = void (*)(void* body, std::int64_t task, int worker);

  void run(std::int64_t tasks, Call call, void* body);
  void work_on_loop(int worker) noexcept;
  void worker_main(int worker, int core);
  std::uint64_t wait_for_loop(std::uint64_t seen);

  const CancelToken* cancel_;
  bool owner_pinned_ = false;
  std::vector<std::thread> workers_;

  // The current loop. Written by run() before `generation_` is raised, read by workers after they saw it.
  Call call_ = nullptr;
  void* body_ = nullptr;
  std::int64_t tasks_ = 0;
  std::atomic<std::int64_t> next_{0};
  std::exception_ptr error_;
  std::atomic<bool> failed_{false};

  std::atomic<std::uint64_t> generation_{0};
  std::atomic<int> busy_{0};      // workers that have not finished the current loop
  std::atomic<int> sleeping_{0};  // workers in, or on their way to, the condition variable
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
};

}  // namespace safelight

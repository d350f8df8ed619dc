#include "core/workers.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace safelight {
namespace {

constexpr auto kReportEvery = std::chrono::milliseconds(50);

class Crew {
 public:
  Crew(const Context& context, const std::function<bool(int)>& step) : context_(context), step_(step) {}

  // One more call of step; false once this worker is done.
  bool work(int worker) noexcept {
    try {
      if (stop_) return false;
      context_.check_cancelled();
      return step_(worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!stop_.exchange(true)) error_ = std::current_exception();
      return false;
    }
  }

  // If the system has no more threads, those that started do the work.
  void start(int workers) {
    try {
      for (int worker = 1; worker < workers; ++worker) {
        threads_.emplace_back([this, worker] {
          while (work(worker)) {
          }
          const std::lock_guard lock(mutex_);
          --busy_;
          idle_.notify_one();
        });
        const std::lock_guard lock(mutex_);
        ++busy_;
      }
    } catch (const std::system_error&) {
    }
  }

  bool wait() {  // true once all are done
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, kReportEvery, [&] { return busy_ == 0; });
  }

  void finish() {
    for (std::thread& thread : threads_) thread.join();
    if (error_) std::rethrow_exception(error_);
  }

  ~Crew() {
    stop_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

 private:
  const Context& context_;
  const std::function<bool(int)>& step_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable idle_;
  int busy_ = 0;  // right once all are started
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace

void run_workers(int threads, const Context& context, const std::function<bool(int)>& step,
                 const std::function<void()>& report) {
  Crew crew(context, step);
  crew.start(threads);
  while (crew.work(0)) report();
  while (!crew.wait()) report();
  crew.finish();
  report();
}

}  // namespace safelight

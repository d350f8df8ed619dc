// What travels with every long call: threads, progress, cancellation.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace safelight {

// Set from any thread, or from a signal handler, to stop a long call at its next check (well within one step).
class CancelToken {
 public:
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};
static_assert(std::atomic<bool>::is_always_lock_free);

// How far a long call has come: `done` of `total` units of `stage` ("step", "decode", ...).
struct Progress {
  std::string_view stage;
  std::int64_t done = 0, total = 0;
};

// The caller's side of a long call. A plain value; the token, if any, must outlive the call.
struct Context {
  int threads = 0;                                        // 0: all cores this process may use
  std::string backend = "cpu";                            // "cpu", or "reference" (slow; the oracle of the tests)
  std::function<void(const Progress&)> on_progress = {};  // called on the calling thread; may be empty
  const CancelToken* cancel = nullptr;                    // may be null

  // The CPU backend may try, in the course of the work, which ways to cut its loops are fastest here, and keep what it
  // found in the user's cache folder. Results have the same bits either way.
  bool measures = true;

  // Throws Error(cancelled) if the token is set.
  void check_cancelled() const;
  void report(std::string_view stage, std::int64_t done, std::int64_t total) const {
    if (on_progress) on_progress({stage, done, total});
  }
};

}  // namespace safelight

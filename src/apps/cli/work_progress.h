// How far work on bytes has come, on the standard error: one moving line on a terminal, a plain line now and then
// elsewhere, nothing for work that is done at once.
#pragma once

#include <chrono>
#include <string>

#include "safelight/context.h"

namespace safelight::cli {

class WorkProgress {
 public:
  // Shows nothing if `silent`.
  explicit WorkProgress(bool silent);
  ~WorkProgress() { clear(); }
  WorkProgress(const WorkProgress&) = delete;
  WorkProgress& operator=(const WorkProgress&) = delete;

  // The context of one call: its progress is shown here, and Ctrl-C cancels it. Refers to this object.
  Context context(int threads = 0);

  // Takes the moving line off the terminal, so that something else can be printed.
  void clear();

 private:
  enum class Style { none, line, log };
  using Clock = std::chrono::steady_clock;

  void show(const Progress& report);
  std::string line(const Progress& report, double seconds, int width) const;

  Style style_;
  bool ascii_, drawn_ = false;
  std::string stage_;
  Clock::time_point stage_began_, shown_;
};

}  // namespace safelight::cli

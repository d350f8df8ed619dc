// The progress of a long call on the standard error: one moving line on a terminal, a plain line now and then
// elsewhere.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "safelight/context.h"

namespace safelight::cli {

// How far a task has come, made from its Progress reports. Times are in seconds since any one moment.
class GenerateProgress {
 public:
  void update(const Progress& report, double now);

  // Seconds until the last picture is done, from the mean step so far (without the first, which loads the model from
  // the disk, once there is another); negative while unknown.
  double seconds_left(double now) const;

  // "picture 2/4  step 3/25  ━━━━───  1.2 s/step  26 s left", at most `width` columns; the bar takes the room that is
  // left, and in ASCII is made of # and -.
  std::string line(double now, int width, bool ascii) const;

  std::string_view stage() const noexcept { return stage_; }
  bool at_last_step() const noexcept { return stage_.ends_with("step") && step_ == steps_; }

 private:
  double mean_step() const;

  std::string stage_;
  std::int64_t picture_ = 0, pictures_ = 1, batch_ = 0, batches_ = 1, step_ = 0, steps_ = 0;
  double last_step_at_ = 0, first_step_ = 0, other_steps_ = 0;  // other_steps_: their sum
  std::int64_t counted_ = 0;                                    // steps in other_steps_
  double decode_began_ = 0, decode_ = 0;                        // decode_: what the last one took
};

class ProgressDisplay {
 public:
  // Shows nothing if `silent`.
  explicit ProgressDisplay(bool silent);
  ~ProgressDisplay() { clear(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void operator()(const Progress& report);

  // Takes the moving line off the terminal, so that something else can be printed.
  void clear();

 private:
  enum class Style { none, line, log };
  double now() const;

  Style style_;
  bool ascii_, drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double last_shown_ = 0;
  GenerateProgress progress_;
};

}  // namespace safelight::cli

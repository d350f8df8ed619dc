#include "apps/cli/progress_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "apps/cli/terminal.h"

namespace safelight::cli {
namespace {

constexpr double kLogEvery = 10;  // seconds between plain lines

}  // namespace

void GenerateProgress::update(const Progress& report, double now) {
  stage_ = report.stage;
  if (stage_ == "picture") {
    picture_ = report.done;
    pictures_ = report.total;
  } else if (stage_ == "batch") {
    batch_ = report.done;
    batches_ = report.total;
    step_ = 0;
  } else if (stage_ == "step" || stage_ == "hires step") {
    step_ = report.done;
    steps_ = report.total;
    if (step_ > 0) {
      const double took = now - last_step_at_;
      if (first_step_ == 0) {
        first_step_ = took;
      } else {
        other_steps_ += took;
        ++counted_;
      }
    }
    last_step_at_ = now;
  } else if (stage_ == "decode") {
    if (report.done == 0)
      decode_began_ = now;
    else
      decode_ = now - decode_began_;
  }
}

double GenerateProgress::mean_step() const {
  return counted_ > 0 ? other_steps_ / static_cast<double>(counted_) : first_step_;
}

double GenerateProgress::seconds_left(double now) const {
  if (first_step_ == 0) return -1;
  const auto later = static_cast<double>(std::max<std::int64_t>(batches_ - batch_ - 1, 0));
  const double steps = static_cast<double>(steps_ - step_) + later * static_cast<double>(steps_);
  const double since = stage_ == "step" ? now - last_step_at_ : 0;
  return std::max(steps * mean_step() + static_cast<double>(pictures_ - picture_) * decode_ - since, 0.0);
}

std::string GenerateProgress::line(double now, int width, bool ascii) const {
  std::string before, after;
  if (batches_ > 1) before = fmt::format("batch {}/{}  ", std::min(batch_ + 1, batches_), batches_);
  if (stage_ == "open")
    before += "opening the model";
  else if (stage_ == "text")
    before += "reading the prompt";
  else if (stage_ == "encode")
    before += "looking at the picture";
  else if (stage_ == "decode" || stage_ == "picture")
    before += "developing the picture";
  else if (stage_ == "hires step")
    before += fmt::format("second pass, step {}/{}", step_, steps_);
  else
    before += fmt::format("step {}/{}", step_, steps_);
  if (const double left = seconds_left(now); left >= 0)
    after = fmt::format("{:.3g} s/step  {} left", mean_step(), duration(left));

  const int room = width - static_cast<int>(before.size() + after.size()) - 4;
  std::string text = before;
  if (steps_ > 0 && room >= kShortestBar) {
    const double share = static_cast<double>(batch_ * steps_ + step_) / static_cast<double>(batches_ * steps_);
    text += "  " + bar(std::min(room, kLongestBar), share, ascii);
  }
  if (static_cast<int>(before.size() + after.size()) + 2 <= width)
    text += (after.empty() ? "" : "  ") + after;
  else
    text = before.substr(0, static_cast<std::size_t>(std::max(width, 0)));
  return text;
}

ProgressDisplay::ProgressDisplay(bool silent)
    : style_(silent                  ? Style::none
             : isatty(STDERR_FILENO) ? Style::line
                                     : Style::log),
      ascii_(!speaks_utf8()) {}

double ProgressDisplay::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void ProgressDisplay::operator()(const Progress& report) {
  if (style_ == Style::none) return;
  const double time = now();
  progress_.update(report, time);
  if (style_ == Style::line) {
    draw_line(progress_.line(time, terminal_width() - 1, ascii_));
    drawn_ = true;
  } else if (progress_.stage().ends_with("step") && report.done > 0 &&
             (time - last_shown_ >= kLogEvery || progress_.at_last_step())) {
    fmt::print(stderr, "{}\n", progress_.line(time, 100, true));
    last_shown_ = time;
  }
}

void ProgressDisplay::clear() {
  if (!drawn_) return;
  draw_line("");
  drawn_ = false;
}

}  // namespace safelight::cli

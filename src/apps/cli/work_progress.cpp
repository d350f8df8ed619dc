#include "apps/cli/work_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "apps/cli/signals.h"
#include "apps/cli/terminal.h"
#include "core/human.h"

namespace safelight::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kDrawEvery = 100ms, kLogEvery = 10s;

}  // namespace

WorkProgress::WorkProgress(bool silent)
    : style_(silent                  ? Style::none
             : isatty(STDERR_FILENO) ? Style::line
                                     : Style::log),
      ascii_(!speaks_utf8()) {}

Context WorkProgress::context(int threads) {
  Context context{.threads = threads, .cancel = &cancel_on_signals()};
  if (style_ != Style::none) context.on_progress = [this](const Progress& report) { show(report); };
  return context;
}

void WorkProgress::show(const Progress& report) {
  const Clock::time_point now = Clock::now();
  if (report.stage != stage_ || report.done == 0) {
    stage_ = report.stage;
    stage_began_ = shown_ = now;
  }
  if (now - shown_ < (style_ == Style::line ? Clock::duration(kDrawEvery) : Clock::duration(kLogEvery))) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - stage_began_).count();
  if (style_ == Style::line) {
    draw_line(line(report, seconds, terminal_width() - 1));
    drawn_ = true;
  } else {
    fmt::print(stderr, "{}\n", line(report, seconds, 100));
  }
}

// "write  1.20 GB of 2.13 GB  ━━━━───  420 MB/s  3 s left"
std::string WorkProgress::line(const Progress& report, double seconds, int width) const {
  const auto done = static_cast<double>(report.done), total = static_cast<double>(report.total);
  const std::string before =
      fmt::format("{}  {} of {}", report.stage, human_bytes(static_cast<std::uint64_t>(report.done)),
                  human_bytes(static_cast<std::uint64_t>(report.total)));
  std::string after;
  if (done > 0 && seconds > 0)
    after = fmt::format("{}/s  {} left", human_bytes(static_cast<std::uint64_t>(done / seconds)),
                        duration(std::max(total - done, 0.0) * seconds / done));
  std::string text = before;
  if (const int room = width - static_cast<int>(before.size() + after.size()) - 4; total > 0 && room >= kShortestBar)
    text += "  " + bar(std::min(room, kLongestBar), done / total, ascii_ || style_ == Style::log);
  if (static_cast<int>(before.size() + after.size()) + 2 <= width) return text + (after.empty() ? "" : "  ") + after;
  return before.substr(0, static_cast<std::size_t>(std::max(width, 0)));
}

void WorkProgress::clear() {
  if (!drawn_) return;
  draw_line("");
  drawn_ = false;
}

}  // namespace safelight::cli

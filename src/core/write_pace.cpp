#include "core/write_pace.h"

namespace safelight {
namespace {

// Enough for a few pieces of each thread, and little beside the files that this is for.
constexpr double kTrial = 32 << 20;
constexpr double kRemembered = 128 << 20;

}  // namespace

bool WritePace::prefers_direct() const {
  const std::lock_guard lock(mutex_);
  const auto& [cached, direct] = ways_;
  if (direct.bytes < kTrial) return true;
  if (cached.bytes < kTrial) return false;
  return direct.bytes * cached.seconds >= cached.bytes * direct.seconds;
}

void WritePace::record(bool direct, std::size_t bytes, double seconds) {
  const std::lock_guard lock(mutex_);
  Way& way = ways_[direct ? 1 : 0];
  way.bytes += static_cast<double>(bytes);
  way.seconds += seconds;
  if (way.bytes <= kRemembered) return;
  way.bytes /= 2;
  way.seconds /= 2;
}

}  // namespace safelight

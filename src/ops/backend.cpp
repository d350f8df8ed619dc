#include "ops/backend.h"

#include <cassert>

namespace safelight {

Rehearsal Backend::rehearse(const std::function<void()>& work) {
  assert(!rehearsal_);
  Rehearsal found;
  begin_rehearsal();
  rehearsal_ = &found;
  const auto end = [&] {
    rehearsal_ = nullptr;
    found.peak_bytes = end_rehearsal();
  };
  try {
    work();
  } catch (...) {
    end();
    throw;
  }
  end();
  return found;
}

}  // namespace safelight

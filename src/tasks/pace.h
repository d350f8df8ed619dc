// How fast this machine is, now.
#pragma once

#include "ops/backend.h"

namespace safelight {

// Milliseconds for one unit of each kind of work (ops/work.h).
struct Pace {
  Work ms_per_unit;

  double ms(const Work& work) const noexcept;
};

// Times one op of each kind, of the middle sizes of Stable Diffusion 1.x: half a second. Small models, whose ops are
// over before all cores have begun, are slower than this says.
Pace measure_pace(Backend& backend);

}  // namespace safelight

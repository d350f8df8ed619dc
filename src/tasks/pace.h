// How fast this machine is, now.
#pragma once

#include <functional>

#include "ops/backend.h"

namespace safelight {

// Milliseconds for one unit of each kind of work (ops/work.h).
struct Pace {
  Work ms_per_unit;

  double ms(const Work& work) const noexcept;
};

// Times one op of each kind, of the middle sizes of Stable Diffusion 1.x, its weights stored as `weights`: half a
// second. Small models, whose ops are over before all cores have begun or have few channels, are slower than this says:
// the shipped one's by a half.
Pace measure_pace(Backend& backend, Precision precision, DType weights);

// What takes less than this by the machine's pace is tried out instead.
constexpr double kTriedOut = 250;  // ms

// Some work that was done in earnest, and how long it took.
struct Trial {
  Work work;
  double ms = 0;
};

// How long the VAE takes for latents [1, h, w, c], which is `whole` work: as long as `try_out` takes for as large a
// part of them as should be over in kTriedOut, times what the pace says the whole is to the part. So the pace need not
// be right for this model, and what the pace does not know, such as memory that is fetched anew, counts as it does in
// the part.
double ms_for_latents(const Pace& pace, const Work& whole, const Shape& latents,
                      const std::function<Trial(const Shape& part)>& try_out);

}  // namespace safelight

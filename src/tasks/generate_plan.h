// The options of generate(), checked against the model, with everything settled that was left open.
#pragma once

#include "diffusion/noise_schedule.h"
#include "diffusion/random.h"
#include "diffusion/samplers.h"
#include "tasks/memory_plan.h"

namespace safelight {

struct GeneratePlan {
  std::int64_t width = 0, height = 0, steps = 0, count = 0;
  float cfg = 0;
  std::int64_t cache = 1;
  std::int64_t guided_from = 0, guided_to = 0;  // the steps that are guided: from <= i < to
  std::uint64_t seed = 0;
  const SamplerInfo* sampler = nullptr;
  Spacing spacing = Spacing::normal;  // never automatic
  Rng rng = Rng::philox;
  Precision precision = Precision::full;  // of the UNet's linear layers
  Shape latents;                          // [1, h, w, channels] of one picture
  Tensor initial_latents;                 // NHWC; empty if none are given
  MemoryPlan memory;

  bool guided() const noexcept { return guided_from < guided_to; }  // some step
  // As much work as all steps are, in full, guided ones (full ones, if none is guided).
  double full_steps() const noexcept;

  bool always_guided() const noexcept { return guided() && guided_to - guided_from == steps; }  // every step
};

// Throws Error(usage) or Error(limit) for what generate() must refuse.
GeneratePlan plan_generate(Model::State& model, const GenerateOptions& options);

}  // namespace safelight

// The options that all tasks have, checked against the model, with everything settled that was left open.
#pragma once

#include <vector>

#include "diffusion/noise_schedule.h"
#include "diffusion/random.h"
#include "diffusion/samplers.h"
#include "tasks/job.h"
#include "tasks/memory_plan.h"

namespace safelight {

// A Pass of the job, counted in steps.
struct PassPlan {
  std::int64_t width = 0, height = 0;
  std::int64_t steps = 0, first = 0;            // of `steps`, those from `first` on are run
  std::int64_t guided_from = 0, guided_to = 0;  // of those that are run, counted from 0: from <= i < to are guided
  Shape latents;                                // [1, h, w, channels] of one picture

  std::int64_t run() const noexcept { return steps - first; }
  bool guided() const noexcept { return guided_from < guided_to; }  // some step
  bool always_guided() const noexcept { return guided_to - guided_from == run(); }
};

struct SamplingPlan {
  std::int64_t count = 0;
  std::vector<float> scales;       // of Guidance: of the prompt, or of the picture to edit and of the prompt
  bool negative_is_blank = false;  // see blank_negative()
  std::int64_t cache = 1;
  std::uint64_t seed = 0;
  const SamplerInfo* sampler = nullptr;
  Spacing spacing = Spacing::normal;  // never automatic
  Rng rng = Rng::philox;
  Precision precision = Precision::full;
  Tensor initial_latents;  // NHWC; empty if none are given
  std::vector<PassPlan> passes;
  MemoryPlan memory;
  std::vector<std::string> warnings;  // for the report: one sentence each

  bool guided() const noexcept;         // some step of some pass
  bool always_guided() const noexcept;  // every step of every pass
  std::int64_t steps_run() const noexcept;

  // As much work as all steps of a pass are, in full, guided ones (full ones, if none is guided).
  double full_steps(std::size_t pass) const noexcept;

  // Pictures of the batch that begins with picture `first`: batches are about equal.
  std::int64_t batch_at(std::int64_t first) const noexcept;
  std::int64_t batches() const noexcept { return (count + memory.batch - 1) / memory.batch; }
};

// Throws Error(usage) or Error(limit) for what the task must refuse.
SamplingPlan plan_sampling(Model::State& model, const GenerateOptions& options, const Job& job);

}  // namespace safelight

// The options of generate(), checked against the model, with everything settled that was left open.
#pragma once

#include "diffusion/noise_schedule.h"
#include "diffusion/random.h"
#include "diffusion/samplers.h"
#include "tasks/model_state.h"

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

  bool guided() const noexcept { return guided_from < guided_to; }                              // some step
  bool always_guided() const noexcept { return guided() && guided_to - guided_from == steps; }  // every step
};

// Throws Error(usage) or Error(limit) for what generate() must refuse.
GeneratePlan plan_generate(const Model::State& model, const GenerateOptions& options);

// Bytes that a picture of this size takes beyond the model's file and the program itself: the largest set of
// activations that is alive at one time. From measured peaks, within 25 % and never below them.
std::uint64_t activation_bytes(const SafeTensors& checkpoint, std::int64_t width, std::int64_t height,
                               std::int64_t vae_factor);

}  // namespace safelight

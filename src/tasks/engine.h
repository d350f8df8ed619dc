// Pictures with a latent diffusion model (Rombach et al. 2022): the one way that all tasks take.
//
//   texts -> embeddings                                   once
//   picture -> latents                                    once, if the task has one
//   latents and noise -> steps -> latents                 a batch at a time; then a second pass over larger ones
//   latents -> pixels -> picture, as the task wants it    one at a time
#pragma once

#include "tasks/job.h"
#include "tasks/sampling_plan.h"

namespace safelight {

// Plans the job and does it. What is refused, and what is reported, is said at generate().
GenerateReport run_job(Model& model, const GenerateOptions& options, const Job& job, const OnPicture& on_picture);

// What it would do and take.
GenerateForecast forecast_job(Model& model, const GenerateOptions& options, const Job& job);

}  // namespace safelight

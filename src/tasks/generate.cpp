// Text to picture.
#include "safelight/generate.h"

#include <fmt/format.h>

#include <cmath>

#include "core/fail.h"
#include "tasks/engine.h"
#include "tasks/field_names.h"
#include "tasks/jobs.h"
#include "tasks/model_state.h"

namespace safelight {
namespace {

constexpr double kMaxScale = 16;

// Sides of the initial latents in pixels, if they are given as they should be: the plan refuses others.
struct Size {
  std::int64_t width = 0, height = 0;
};
Size size_of_latents(const Model::State& model, const Tensor& latents) {
  if (latents.empty() || latents.rank() != 4) return {};
  const std::int64_t factor = model.networks.size_multiple();
  return {latents.dim(3) * factor, latents.dim(2) * factor};
}

std::int64_t side(std::string_view what, std::int64_t wanted, std::int64_t of_latents, std::int64_t otherwise) {
  if (wanted != 0 && of_latents != 0 && wanted != of_latents)
    fail(ErrorCategory::usage, "[{}] expected {}, the size of the initial latents, found {}", what, of_latents, wanted);
  return wanted ? wanted : of_latents ? of_latents : otherwise;
}

// The second pass; adds what A1111 calls its settings to the job.
Pass hires_pass(const Model::State& model, const HiresOptions& hires, const Pass& first, Settings& settings) {
  const std::int64_t factor = model.networks.size_multiple();
  Pass pass{.width = hires.width, .height = hires.height, .steps = hires.steps, .strength = hires.strength};
  if ((hires.scale != 0) == (hires.width != 0 || hires.height != 0))
    fail(ErrorCategory::usage, "[hires] expected a scale or a size, found {}", hires.scale != 0 ? "both" : "neither");
  if (hires.steps < 0) fail(ErrorCategory::usage, "[hires-steps] expected 1 or more, found {}", hires.steps);
  if (pass.steps == 0) pass.steps = first.steps;
  if (hires.scale != 0) {
    if (!(1 <= hires.scale && hires.scale <= kMaxScale))
      fail(ErrorCategory::usage, "[hires] expected a scale from 1 to {}, found {}", kMaxScale, hires.scale);
    const auto enlarged = [&](std::int64_t side) {
      return static_cast<std::int64_t>(static_cast<double>(side) * hires.scale) / factor * factor;
    };
    pass.width = enlarged(first.width);
    pass.height = enlarged(first.height);
    settings.emplace_back(field::kHiresUpscale, fmt::format("{}", hires.scale));
  } else {
    check_side("hires", pass.width, factor);
    check_side("hires", pass.height, factor);
    settings.emplace_back(field::kHiresResize, fmt::format("{}x{}", pass.width, pass.height));
  }
  if (hires.steps != 0) settings.emplace_back(field::kHiresSteps, fmt::format("{}", hires.steps));
  settings.emplace_back(field::kHiresUpscaler, std::string(parse_upscaler(hires.upscaler).names.label));
  return pass;
}

}  // namespace

Job generate_job(const Model::State& model, const GenerateOptions& options) {
  const StableDiffusion& networks = model.networks;
  expect_model(networks, "generate", {ModelTask::generate});
  Job job;
  const Size given = size_of_latents(model, options.initial_latents);
  Pass first;
  first.width = side("width", options.width, given.width, networks.default_width);
  first.height = side("height", options.height, given.height, networks.default_height);
  first.steps = options.steps;
  check_side("width", first.width, networks.size_multiple());
  check_side("height", first.height, networks.size_multiple());
  check_size(first.width, first.height);
  job.passes.push_back(first);
  if (options.hires) {
    job.passes.push_back(hires_pass(model, *options.hires, first, job.settings));
    job.upscaler = parse_upscaler(options.hires->upscaler);
  }
  job.width = job.passes.back().width;
  job.height = job.passes.back().height;
  return job;
}

GenerateReport generate(Model& model, const GenerateOptions& options, const OnPicture& on_picture) {
  return run_job(model, options, generate_job(model.state(), options), on_picture);
}

GenerateForecast forecast(Model& model, const GenerateOptions& options) {
  return forecast_job(model, options, generate_job(model.state(), options));
}

}  // namespace safelight

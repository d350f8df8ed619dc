// Picture to picture.
#include "core/fail.h"
#include "image/resize_mode.h"
#include "tasks/engine.h"
#include "tasks/field_names.h"
#include "tasks/jobs.h"
#include "tasks/model_state.h"

namespace safelight {
namespace {

void check_encoder_noise(const Tensor& noise, const Pass& pass, const StableDiffusion& networks) {
  const std::int64_t factor = networks.size_multiple();
  const Shape expected{1, networks.unet.out_channels(), pass.height / factor, pass.width / factor};
  if (!noise.empty() && noise.shape() != expected)
    fail(ErrorCategory::usage, "[encoder-noise] expected shape {}, found {}", to_string(expected),
         to_string(noise.shape()));
}

}  // namespace

Job transform_job(const Model::State& model, const TransformOptions& options) {
  expect_model(model.networks, "transform", {ModelTask::generate});
  Job job = job_over(model, options.generate, options.picture, options.strength);
  check_encoder_noise(options.encoder_noise, job.passes.front(), model.networks);
  job.picture = to_tensor(resize_to(options.picture, job.width, job.height, options.resize));
  job.from_noise = false;
  job.encoder_noise = options.encoder_noise;
  if (options.resize != ResizeMode::crop)
    job.settings.emplace_back(field::kResizeMode, std::string(info(options.resize).names.label));
  return job;
}

GenerateReport transform(Model& model, const TransformOptions& options, const OnPicture& on_picture) {
  return run_job(model, options.generate, transform_job(model.state(), options), on_picture);
}

GenerateForecast forecast(Model& model, const TransformOptions& options) {
  return forecast_job(model, options.generate, transform_job(model.state(), options));
}

}  // namespace safelight

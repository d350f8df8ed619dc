// Picture to picture.
#include "core/fail.h"
#include "image/resize_mode.h"
#include "tasks/canvas.h"
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

void check_picture_task(const GenerateOptions& options, const Picture& picture) {
  if (options.hires) fail(ErrorCategory::usage, "[hires] expected none: only generate has a second pass");
  if (picture.width < 1 || picture.height < 1 ||
      static_cast<std::int64_t>(picture.rgb.size()) != 3 * picture.width * picture.height)
    fail(ErrorCategory::usage, "[input] expected a picture, found {} x {} pixels in {} bytes", picture.width,
         picture.height, picture.rgb.size());
}

Job transform_job(const Model::State& model, const TransformOptions& options) {
  expect_model(model.networks, "transform", {ModelTask::generate});
  check_picture_task(options.generate, options.picture);
  const std::int64_t factor = model.networks.size_multiple();
  const auto [width, height] = size_for(options.generate, options.picture, factor);
  check_side("width", width, factor);
  check_side("height", height, factor);
  check_size(width, height);
  Job job;
  job.passes = {{.width = width, .height = height, .steps = options.generate.steps, .strength = options.strength}};
  check_encoder_noise(options.encoder_noise, job.passes.front(), model.networks);
  job.picture = to_tensor(resize_to(options.picture, width, height, options.resize));
  job.from_noise = false;
  job.encoder_noise = options.encoder_noise;
  if (options.resize != ResizeMode::crop)
    job.settings.emplace_back(field::kResizeMode, std::string(info(options.resize).names.label));
  job.width = width;
  job.height = height;
  return job;
}

GenerateReport transform(Model& model, const TransformOptions& options, const OnPicture& on_picture) {
  return run_job(model, options.generate, transform_job(model.state(), options), on_picture);
}

GenerateForecast forecast(Model& model, const TransformOptions& options) {
  return forecast_job(model, options.generate, transform_job(model.state(), options));
}

}  // namespace safelight

// A picture as an instruction says.
#include "image/resize_mode.h"
#include "tasks/engine.h"
#include "tasks/field_names.h"
#include "tasks/jobs.h"
#include "tasks/model_state.h"

namespace safelight {

Job edit_job(const Model::State& model, const EditPictureOptions& options) {
  expect_model(model.networks, "edit", {ModelTask::edit});
  Job job = job_over(model, options.generate, options.picture);
  job.sight = Sight::picture_to_edit;
  job.seen = to_tensor(resize_to(options.picture, job.width, job.height, options.resize));
  job.image_cfg = options.image_cfg;
  if (options.resize != ResizeMode::crop)
    job.settings.emplace_back(field::kResizeMode, std::string(info(options.resize).names.label));
  return job;
}

GenerateReport edit(Model& model, const EditPictureOptions& options, const OnPicture& on_picture) {
  return run_job(model, options.generate, edit_job(model.state(), options), on_picture);
}

GenerateForecast forecast(Model& model, const EditPictureOptions& options) {
  return forecast_job(model, options.generate, edit_job(model.state(), options));
}

}  // namespace safelight

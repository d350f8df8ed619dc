// What the tasks that take a picture have in common.
#include "core/fail.h"
#include "tasks/canvas.h"
#include "tasks/jobs.h"
#include "tasks/model_state.h"

namespace safelight {

void check_picture_task(const GenerateOptions& options, const Picture& picture) {
  if (options.hires) fail(ErrorCategory::usage, "[hires] expected none: only generate has a second pass");
  if (picture.width < 1 || picture.height < 1 ||
      static_cast<std::int64_t>(picture.rgb.size()) != 3 * picture.width * picture.height)
    fail(ErrorCategory::usage, "[input] expected a picture, found {} x {} pixels in {} bytes", picture.width,
         picture.height, picture.rgb.size());
}

Job job_over(const Model::State& model, const GenerateOptions& options, const Picture& picture, double strength) {
  check_picture_task(options, picture);
  const std::int64_t factor = model.networks.size_multiple();
  const auto [width, height] = size_for(options, picture, factor);
  check_side("width", width, factor);
  check_side("height", height, factor);
  check_size(width, height);
  Job job;
  job.passes = {{.width = width, .height = height, .steps = options.steps, .strength = strength}};
  job.width = width;
  job.height = height;
  return job;
}

}  // namespace safelight

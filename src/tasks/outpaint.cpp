// More of a picture beyond its edges.
#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"
#include "image/extension_text.h"
#include "image/outpaint_canvas.h"
#include "tasks/canvas.h"
#include "tasks/engine.h"
#include "tasks/field_names.h"
#include "tasks/jobs.h"
#include "tasks/model_state.h"

namespace safelight {
namespace {

constexpr double kBlendingStrength = 0.9;
constexpr std::int64_t kMostOverlap = 1024, kMostExtension = 65535;
constexpr std::uint64_t kCanvasSeed = 0;  // not the picture's: each picture of a call can be made again by itself

void check_options(const OutpaintOptions& options) {
  const auto [left, top, right, bottom] = options.extension;
  if (left < 0 || top < 0 || right < 0 || bottom < 0 || options.extension == Extension{})
    fail(ErrorCategory::usage,
         "[extend] expected pixels to add, 0 or more on a side and not 0 on all, found "
         "left={},top={},right={},bottom={}",
         left, top, right, bottom);
  if (std::max({left, top, right, bottom}) > kMostExtension)
    fail(ErrorCategory::limit, "[extend] expected at most {} pixels on a side, found {}", kMostExtension,
         std::max({left, top, right, bottom}));
  if (options.generate.width != 0 || options.generate.height != 0)
    fail(ErrorCategory::usage, "[size] expected none: outpaint adds to the picture's size what it is extended by");
  if (options.overlap < 0 || options.overlap > kMostOverlap)
    fail(ErrorCategory::usage, "[overlap] expected 0 to {} pixels, found {}", kMostOverlap, options.overlap);
}

std::int64_t rounded_up(std::int64_t length, std::int64_t multiple) {
  return (length + multiple - 1) / multiple * multiple;
}

}  // namespace

Job outpaint_job(const Model::State& model, const OutpaintOptions& options) {
  expect_model(model.networks, "outpaint", {ModelTask::inpaint, ModelTask::generate});
  check_picture_task(options.generate, options.picture);
  check_options(options);
  const std::int64_t factor = model.networks.size_multiple();
  const Extension& wanted = options.extension;
  const Picture& picture = options.picture;
  // Larger inside: the picture begins at a latent pixel, and the model's multiple divides the canvas.
  Extension inside = wanted;
  inside.left = rounded_up(wanted.left, factor);
  inside.top = rounded_up(wanted.top, factor);
  inside.right = rounded_up(inside.left + picture.width + wanted.right, factor) - inside.left - picture.width;
  inside.bottom = rounded_up(inside.top + picture.height + wanted.bottom, factor) - inside.top - picture.height;
  const std::int64_t width = inside.left + picture.width + inside.right,
                     height = inside.top + picture.height + inside.bottom;
  check_size(width, height);
  const OutpaintCanvas canvas = extended(picture, inside, kCanvasSeed);
  const double strength = options.strength.value_or(model.networks.task == ModelTask::inpaint ? 1 : kBlendingStrength);
  Job job;
  job.passes = {{.width = width, .height = height, .steps = options.generate.steps, .strength = strength}};
  repaint(job, model, canvas.picture, seam_mask(width, height, canvas.known, 0), MaskedContent::original, strength);
  job.settings.emplace_back(field::kOutpaint, extension_text(wanted));
  if (options.overlap != OutpaintOptions{}.overlap)
    job.settings.emplace_back(field::kOverlap, fmt::format("{}", options.overlap));
  job.width = wanted.left + picture.width + wanted.right;
  job.height = wanted.top + picture.height + wanted.bottom;
  const Region shown{inside.left - wanted.left, inside.top - wanted.top, job.width, job.height};
  job.finish = [&options, known = canvas.known, shown](const Tensor& pixels) {
    Picture painted = to_picture(pixels);
    meet_seam(painted, options.picture, known, options.overlap);
    paste(painted, options.picture, known, Mask(painted.width, painted.height, 255));
    return crop(painted, shown);
  };
  return job;
}

GenerateReport outpaint(Model& model, const OutpaintOptions& options, const OnPicture& on_picture) {
  return run_job(model, options.generate, outpaint_job(model.state(), options), on_picture);
}

GenerateForecast forecast(Model& model, const OutpaintOptions& options) {
  return forecast_job(model, options.generate, outpaint_job(model.state(), options));
}

}  // namespace safelight

// A part of a picture anew.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/fail.h"
#include "image/masked_content.h"
#include "image/region.h"
#include "image/resize_mode.h"
#include "image/seam.h"
#include "tasks/canvas.h"
#include "tasks/engine.h"
#include "tasks/field_names.h"
#include "tasks/jobs.h"
#include "tasks/model_state.h"

namespace safelight {
namespace {

constexpr std::int64_t kMostPadding = 65535;

void check_options(const InpaintOptions& options) {
  const Picture& picture = options.picture;
  const Mask& mask = options.mask;
  if (mask.width != picture.width || mask.height != picture.height ||
      static_cast<std::int64_t>(mask.values.size()) != mask.width * mask.height)
    fail(ErrorCategory::usage, "[mask] expected {} x {} pixels, the picture's size, found {} x {}", picture.width,
         picture.height, mask.width, mask.height);
  if (!options.only_masked && (options.generate.width != 0 || options.generate.height != 0))
    fail(ErrorCategory::usage,
         "[size] expected none: inpaint keeps the picture's size. Width and height are those that the masked region is "
         "enlarged to, with only-masked");
  if (options.padding < 0 || options.padding > kMostPadding)
    fail(ErrorCategory::usage, "[padding] expected 0 to {} pixels, found {}", kMostPadding, options.padding);
}

// What is worked on: the picture with its last rows and columns repeated, or the masked region at another size.
struct Work {
  Region region;  // of the picture
  CanvasSize size;
};

Work work_on(const Model::State& model, const InpaintOptions& options, const Mask& mask) {
  const std::int64_t factor = model.networks.size_multiple();
  const std::int64_t width = options.picture.width, height = options.picture.height;
  const std::optional<Region> box = bounding_box(mask, options.padding);
  if (!box) fail(ErrorCategory::usage, "[mask] expected something to repaint, found an empty mask");
  if (!options.only_masked)
    return {{0, 0, width, height}, {(width + factor - 1) / factor * factor, (height + factor - 1) / factor * factor}};
  const GenerateOptions& g = options.generate;
  const CanvasSize size{g.width ? g.width : model.networks.default_width,
                        g.height ? g.height : model.networks.default_height};
  check_side("width", size.width, factor);
  check_side("height", size.height, factor);
  return {grown_to_aspect(*box, size.width, size.height, width, height), size};
}

Settings settings_of(const InpaintOptions& options) {
  Settings settings;
  if (options.invert) settings.emplace_back(field::kMaskMode, field::kNotMasked);
  settings.emplace_back(field::kMaskBlur, fmt::format("{}", options.mask_blur));
  if (options.only_masked) {
    settings.emplace_back(field::kInpaintArea, field::kOnlyMasked);
    settings.emplace_back(field::kPadding, fmt::format("{}", options.padding));
  }
  if (options.content != MaskedContent::original)
    settings.emplace_back(field::kMaskedContent, std::string(info(options.content).names.label));
  if (!options.composite) settings.emplace_back(field::kComposite, "false");
  return settings;
}

}  // namespace

void repaint(Job& job, const Model::State& model, const Picture& picture, const Mask& mask, MaskedContent content,
             double strength) {
  const std::int64_t factor = model.networks.size_multiple();
  job.from_noise = strength == 1;
  job.blends = model.networks.task == ModelTask::generate;
  if (!job.blends) {
    job.sight = Sight::masked_picture;
    job.seen = without_masked(picture, mask);
    job.seen_mask = hard_mask(mask, factor);
  }
  if (job.from_noise && !job.blends) return;  // the picture itself is seen by nothing
  job.picture = to_tensor(content == MaskedContent::fill ? filled_from_around(picture, mask) : picture);
  job.mask = mean_mask(mask, factor);
  if (content == MaskedContent::latent_noise) job.hidden = HiddenLatents::noise;
  if (content == MaskedContent::latent_nothing) job.hidden = HiddenLatents::nothing;
}

Job inpaint_job(const Model::State& model, const InpaintOptions& options) {
  expect_model(model.networks, "inpaint", {ModelTask::inpaint, ModelTask::generate});
  check_picture_task(options.generate, options.picture);
  check_options(options);
  const Mask mask = options.invert ? inverted(options.mask) : options.mask;
  const auto [region, size] = work_on(model, options, mask);
  check_size(size.width, size.height);
  const std::int64_t factor = model.networks.size_multiple();
  // Proportions are kept: a region that the picture's edge cuts is smaller than the size, and what it lacks is cut off
  // again.
  const auto prepared = [&, region = region, size = size](const auto& whole) {
    return options.only_masked ? resize_to(crop(whole, region), size.width, size.height, ResizeMode::fill)
                               : padded(whole, factor);
  };
  Job job;
  job.passes = {
      {.width = size.width, .height = size.height, .steps = options.generate.steps, .strength = options.strength}};
  repaint(job, model, prepared(options.picture), prepared(mask), options.content, options.strength);
  job.settings = settings_of(options);
  if (job.from_noise && options.content != MaskedContent::original)
    job.warnings.push_back(
        fmt::format("the masked content {} has no effect with strength 1, which begins with noise alone",
                    info(options.content).names.name));
  job.width = options.picture.width;
  job.height = options.picture.height;
  Mask over = options.composite ? faded_inwards(mask, options.mask_blur) : Mask(job.width, job.height, 255);
  job.finish = [&options, region = region, over = std::move(over)](const Tensor& pixels) {
    Picture painted = to_picture(pixels);
    painted =
        options.only_masked ? resize_to(painted, region.width, region.height, ResizeMode::crop) : crop(painted, region);
    Picture result = options.picture;
    if (options.composite) meet_at_border(painted, crop(result, region), crop(over, region));
    paste(result, painted, region, over);
    return result;
  };
  return job;
}

GenerateReport inpaint(Model& model, const InpaintOptions& options, const OnPicture& on_picture) {
  return run_job(model, options.generate, inpaint_job(model.state(), options), on_picture);
}

GenerateForecast forecast(Model& model, const InpaintOptions& options) {
  return forecast_job(model, options.generate, inpaint_job(model.state(), options));
}

}  // namespace safelight

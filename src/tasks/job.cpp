#include "tasks/job.h"

#include <algorithm>

#include "core/fail.h"
#include "core/printable.h"
#include "models/stable_diffusion.h"

namespace safelight {
namespace {

constexpr std::int64_t kMaxSide = 65535;  // PNG's readers refuse more
constexpr std::int64_t kMaxPixels = 1 << 28;

// The commands that a model is for.
std::string_view use_of(ModelTask task) {
  switch (task) {
    case ModelTask::generate:
      return "generate, transform, inpaint and outpaint";
    case ModelTask::inpaint:
      return "inpaint and outpaint";
    case ModelTask::edit:
      return "edit";
  }
  return "";
}

}  // namespace

void expect_model(const StableDiffusion& networks, std::string_view task, std::initializer_list<ModelTask> tasks) {
  if (std::ranges::find(tasks, networks.task) != tasks.end()) return;
  const std::int64_t latent = networks.unet.out_channels();
  std::string wanted;
  for (const ModelTask each : tasks)
    wanted += fmt::format("{}{}", wanted.empty() ? "" : " or ", latent + extra_channels(each, latent));
  fail(ErrorCategory::model,
       "[{}] {} is {}, whose UNet takes {} channels; expected a model that needs {}. This one is for {}", task,
       printable(networks.file.path().native()), networks.what, networks.unet.in_channels(), wanted,
       use_of(networks.task));
}

void check_side(std::string_view what, std::int64_t value, std::int64_t multiple) {
  if (value < multiple || value % multiple != 0)
    fail(ErrorCategory::usage, "[{}] expected a multiple of {}, found {}", what, multiple, value);
}

void check_size(std::int64_t width, std::int64_t height) {
  if (width > kMaxSide || height > kMaxSide || width * height > kMaxPixels)
    fail(ErrorCategory::limit, "[size] {} x {} pixels: expected at most {} a side and {} in all", width, height,
         kMaxSide, kMaxPixels);
}

}  // namespace safelight

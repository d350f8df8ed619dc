#include "tasks/generate_plan.h"

#include <cmath>
#include <random>

#include "core/available_memory.h"
#include "core/fail.h"
#include "core/printable.h"
#include "core/utf8.h"
#include "tasks/conditioning.h"
#include "tasks/planes.h"
#include "tasks/precisions.h"

namespace safelight {
namespace {

constexpr std::int64_t kMaxSide = 65535;  // PNG's readers refuse more
constexpr std::int64_t kMaxPixels = 1 << 28;
constexpr std::int64_t kMaxCount = 10'000;
constexpr double kMaxCfg = 1000;

std::string in_gigabytes(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.0f} MB", std::ceil(bytes / 1e6)) : fmt::format("{:.1f} GB", bytes / 1e9);
}

void check_prompt(std::string_view what, std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t offset = text.size() - rest.size();
    const std::optional<char32_t> code = take_code_point(rest);
    if (!code) fail(ErrorCategory::usage, "[{}] expected UTF-8, found another byte at offset {}", what, offset);
    if (*code == 0) fail(ErrorCategory::usage, "[{}] expected text, found a NUL byte at offset {}", what, offset);
  }
}

// The start noise as our layout, or an empty tensor.
Tensor initial_latents(const Model::State& model, const Tensor& given) {
  if (given.empty()) return {};
  const std::int64_t channels = model.networks.unet.out_channels();
  if (given.rank() != 4 || given.dim(0) < 1 || given.dim(1) != channels || given.dim(2) < 1 || given.dim(3) < 1)
    fail(ErrorCategory::usage, "[init-latents] expected shape [pictures, {}, height, width], found {}", channels,
         to_string(given.shape()));
  return to_nhwc(to_f32(given));
}

std::int64_t side(std::string_view what, std::int64_t wanted, std::int64_t of_latents, std::int64_t otherwise) {
  if (wanted != 0 && of_latents != 0 && wanted != of_latents)
    fail(ErrorCategory::usage, "[{}] expected {}, the size of the initial latents, found {}", what, of_latents, wanted);
  return wanted ? wanted : of_latents ? of_latents : otherwise;
}

void check_side(std::string_view what, std::int64_t value, std::int64_t multiple) {
  if (value < multiple || value % multiple != 0)
    fail(ErrorCategory::usage, "[{}] expected a multiple of {}, found {}", what, multiple, value);
}

// Sizes that no file of a picture takes, and whose needs no number here would hold.
void check_size(const GeneratePlan& plan) {
  if (plan.width > kMaxSide || plan.height > kMaxSide || plan.width * plan.height > kMaxPixels)
    fail(ErrorCategory::limit, "[size] {} x {} pixels: expected at most {} a side and {} in all", plan.width,
         plan.height, kMaxSide, kMaxPixels);
}

void check_count(const GeneratePlan& plan) {
  if (plan.count < 1) fail(ErrorCategory::usage, "[count] expected 1 or more pictures, found {}", plan.count);
  if (plan.count > kMaxCount)
    fail(ErrorCategory::limit, "[count] {} pictures of {} x {} would take {}, expected at most {} pictures", plan.count,
         plan.width, plan.height,
         in_gigabytes(3.0 * static_cast<double>(plan.width) * static_cast<double>(plan.height) *
                      static_cast<double>(plan.count)),
         kMaxCount);
  if (plan.initial_latents && plan.initial_latents.dim(0) != 1 && plan.initial_latents.dim(0) != plan.count)
    fail(ErrorCategory::usage, "[count] expected {}, as many pictures as there are initial latents, found {}",
         plan.initial_latents.dim(0), plan.count);
}

void expect_task(const StableDiffusion& networks, ModelTask task) {
  if (networks.task != task)
    fail(ErrorCategory::model, "[generate] {} is {}, whose UNet takes {} channels; expected a model that needs {}",
         printable(networks.file.path().native()), networks.what, networks.unet.in_channels(),
         networks.unet.out_channels());
}

void plan_guidance(GeneratePlan& plan, const GenerateOptions& options) {
  if (!(std::abs(options.cfg) <= kMaxCfg))
    fail(ErrorCategory::usage, "[cfg] expected a number between -{0} and {0}, found {1}", kMaxCfg, options.cfg);
  plan.cfg = static_cast<float>(options.cfg);
  const auto [from, to] = options.guidance_interval;
  if (!(0 <= from && from <= to && to <= 1))
    fail(ErrorCategory::usage, "[guidance-interval] expected FROM,TO with 0 <= FROM <= TO <= 1, found {},{}", from, to);
  if (plan.cfg == 1) return;
  const auto steps_before = [&plan](double fraction) {
    std::int64_t i = 0;
    while (i < plan.steps && static_cast<double>(i) / static_cast<double>(plan.steps) < fraction) ++i;
    return i;
  };
  plan.guided_from = steps_before(from);
  plan.guided_to = steps_before(to);
}

}  // namespace

double GeneratePlan::full_steps() const noexcept {
  double sum = 0;
  std::int64_t uses = 0;  // of the deep features
  bool before = false;
  for (std::int64_t step = 0; step < steps; ++step) {
    const bool is_guided = guided_from <= step && step < guided_to;
    if (uses == cache || is_guided != before) uses = 0;
    before = is_guided;
    sum += (uses++ == 0 ? 1 : memory.shallow) * (guided() && !is_guided ? 0.5 : 1);
  }
  return sum;
}

GeneratePlan plan_generate(Model::State& model, const GenerateOptions& options) {
  expect_task(model.networks, ModelTask::generate);
  check_micro_conditioning(model.networks, options.micro);
  check_prompt("prompt", options.prompt);
  check_prompt("negative prompt", options.negative_prompt);
  GeneratePlan plan;
  const SamplerChoice choice = parse_sampler(options.sampler);
  plan.sampler = choice.sampler;
  plan.spacing = parse_spacing(options.schedule);
  if (plan.spacing == Spacing::automatic) plan.spacing = choice.spacing;
  if (plan.spacing == Spacing::automatic) plan.spacing = plan.sampler->make()->default_spacing();
  plan.rng = parse_rng(options.rng);
  plan.precision = parse_precision(options.precision);
  plan.steps = options.steps;
  const NoiseSchedule schedule(model.networks.zero_terminal_snr);
  check_steps(schedule, static_cast<int>(std::clamp<std::int64_t>(plan.steps, -1, 1 << 20)));
  static_cast<void>(plan.sampler->make()->levels(schedule, plan.spacing, static_cast<int>(plan.steps)));
  plan_guidance(plan, options);
  plan.cache = options.cache;
  if (plan.cache < 1 || plan.cache > plan.steps)
    fail(ErrorCategory::usage, "[cache] expected 1 to {}, the number of steps; found {}", plan.steps, plan.cache);

  plan.initial_latents = initial_latents(model, options.initial_latents);
  const std::int64_t factor = model.networks.size_multiple();
  const auto of_latents = [&](std::size_t axis) {
    return plan.initial_latents ? plan.initial_latents.dim(axis) * factor : 0;
  };
  plan.width = side("width", options.width, of_latents(2), model.networks.default_width);
  plan.height = side("height", options.height, of_latents(1), model.networks.default_height);
  check_side("width", plan.width, factor);
  check_side("height", plan.height, factor);
  check_size(plan);
  plan.count = options.count.value_or(plan.initial_latents ? plan.initial_latents.dim(0) : 1);
  check_count(plan);
  plan.latents = {1, plan.height / factor, plan.width / factor, model.networks.unet.out_channels()};
  model.networks.set_unet_precision(plan.precision, *model.backend);  // what is rehearsed is what will run
  plan.memory = plan_memory(model, {.latents = plan.latents,
                                    .guided = plan.guided(),
                                    .always_guided = plan.always_guided(),
                                    .cached = plan.cache > 1,
                                    .allowed = options.max_memory,
                                    .available = available_memory()});
  plan.seed = options.seed ? *options.seed : std::random_device{}();  // 32 bits, as other programs draw them
  return plan;
}

}  // namespace safelight

#include "tasks/sampling_plan.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "core/available_memory.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/utf8.h"
#include "tasks/conditioning.h"
#include "tasks/planes.h"
#include "tasks/precisions.h"

namespace safelight {
namespace {

constexpr std::int64_t kMaxCount = 10'000;
constexpr double kMaxCfg = 1000;

// Latent pixels of all pictures that automatically go together: four pictures of 512 x 512 pixels. Beyond that, a step
// is hardly faster per picture (docs/tasks.md).
constexpr std::int64_t kMostTogether = 4 * 64 * 64;

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

void check_initial_latents(const SamplingPlan& plan) {
  const Tensor& given = plan.initial_latents;
  if (given.empty()) return;
  const Shape& latents = plan.passes.front().latents;
  if (given.dim(1) != latents[1] || given.dim(2) != latents[2])
    fail(ErrorCategory::usage, "[init-latents] expected {} x {} latent pixels, found {} x {}", latents[2], latents[1],
         given.dim(2), given.dim(1));
  if (given.dim(0) != 1 && given.dim(0) != plan.count)
    fail(ErrorCategory::usage, "[count] expected {}, as many pictures as there are initial latents, found {}",
         given.dim(0), plan.count);
}

void check_count(const SamplingPlan& plan, const Job& job) {
  if (plan.count < 1) fail(ErrorCategory::usage, "[count] expected 1 or more pictures, found {}", plan.count);
  if (plan.count > kMaxCount)
    fail(ErrorCategory::limit, "[count] {} pictures of {} x {} would take {}, expected at most {} pictures", plan.count,
         job.width, job.height,
         in_gigabytes(3.0 * static_cast<double>(job.width) * static_cast<double>(job.height) *
                      static_cast<double>(plan.count)),
         kMaxCount);
}

void check_scale(std::string_view what, double scale) {
  if (!(std::abs(scale) <= kMaxCfg))
    fail(ErrorCategory::usage, "[{0}] expected a number between -{1} and {1}, found {2}", what, kMaxCfg, scale);
}

void check_interval(const GuidanceInterval& interval) {
  const auto [from, to] = interval;
  if (!(0 <= from && from <= to && to <= 1))
    fail(ErrorCategory::usage, "[guidance-interval] expected FROM,TO with 0 <= FROM <= TO <= 1, found {},{}", from, to);
}

void choose_sampler(SamplingPlan& plan, const GenerateOptions& options) {
  const SamplerChoice choice = parse_sampler(options.sampler);
  plan.sampler = choice.sampler;
  plan.spacing = parse_spacing(options.schedule);
  if (plan.spacing == Spacing::automatic) plan.spacing = choice.spacing;
  if (plan.spacing == Spacing::automatic) plan.spacing = plan.sampler->make()->default_spacing();
}

std::int64_t steps_before(double fraction, std::int64_t steps) {
  std::int64_t i = 0;
  while (i < steps && static_cast<double>(i) / static_cast<double>(steps) < fraction) ++i;
  return i;
}

// diffusers' count of steps for a strength.
PassPlan plan_pass(const Model::State& model, const SamplingPlan& plan, const GenerateOptions& options,
                   const Pass& pass) {
  PassPlan result;
  result.width = pass.width;
  result.height = pass.height;
  result.steps = pass.steps;
  const NoiseSchedule schedule(model.networks.zero_terminal_snr);
  const auto checked = static_cast<int>(std::clamp<std::int64_t>(pass.steps, -1, 1 << 20));
  check_steps(schedule, checked);
  static_cast<void>(plan.sampler->make()->levels(schedule, plan.spacing, checked));
  if (!(0 < pass.strength && pass.strength <= 1))
    fail(ErrorCategory::usage, "[strength] expected more than 0, and at most 1, found {}", pass.strength);
  result.first = pass.steps - static_cast<std::int64_t>(static_cast<double>(pass.steps) * pass.strength);
  if (result.run() < 1)
    fail(ErrorCategory::usage, "[strength] {} of {} is less than one step: expected {:.2g} or more", pass.strength,
         counted(static_cast<std::uint64_t>(pass.steps), "step"), 1 / static_cast<double>(pass.steps));
  const std::int64_t factor = model.networks.size_multiple();
  result.latents = {1, pass.height / factor, pass.width / factor, model.networks.unet.out_channels()};
  if (std::ranges::all_of(plan.scales, [](float scale) { return scale == 1; })) return result;
  result.guided_from = steps_before(options.guidance_interval.from, result.run());
  result.guided_to = steps_before(options.guidance_interval.to, result.run());
  return result;
}

std::int64_t wanted_batch(const SamplingPlan& plan, const GenerateOptions& options) {
  if (options.batch < 0)
    fail(ErrorCategory::usage, "[batch] expected 1 or more pictures, or 0 for as many as suit; found {}",
         options.batch);
  if (options.batch > 0) return std::min(options.batch, plan.count);
  std::int64_t most = plan.count;
  for (const PassPlan& pass : plan.passes)
    most = std::min(most, kMostTogether / elements({pass.latents[1], pass.latents[2]}));
  return std::max<std::int64_t>(most, 1);
}

MemoryDemand demand(const Model::State& model, const SamplingPlan& plan, const GenerateOptions& options,
                    const Job& job) {
  MemoryDemand result{.passes = {},
                      .guided = plan.guided(),
                      .always_guided = plan.always_guided(),
                      .answers = std::ssize(plan.scales) + 1,
                      .negative_is_blank = plan.negative_is_blank,
                      .other_channels = model.networks.unet.in_channels() - model.networks.unet.out_channels(),
                      .cached = plan.cache > 1,
                      .batch = wanted_batch(plan, options),
                      .allowed = options.max_memory,
                      .available = available_memory()};
  for (const PassPlan& pass : plan.passes)
    result.passes.push_back({.latents = pass.latents, .encodes = false, .decodes = true});
  result.passes.front().encodes = !job.picture.empty() || !job.seen.empty();
  if (plan.passes.size() > 1) {
    const bool through_pixels = !job.upscaler->latents;
    result.passes.front().decodes = through_pixels;
    result.passes.back().encodes = through_pixels;
  }
  return result;
}

void choose_precision(SamplingPlan& plan, const Backend& backend, const GenerateOptions& options) {
  plan.precision = parse_precision(options.precision);
  if (backend.gains_from(plan.precision)) return;
  plan.warnings.push_back(fmt::format(
      "computed in full precision: {} needs a processor with AMX or AVX512_BF16, the cpu backend, and no other "
      "instruction set named in SAFELIGHT_ISA",
      info(plan.precision).names.name));
  plan.precision = Precision::full;
}

// A picture that is not quite the one that there would be with more memory.
void warn_of_tiles(SamplingPlan& plan) {
  const auto warn = [&](std::string_view done, const Shape& latents, const VaeTiles& tiles) {
    const std::int64_t count = count_tiles(latents, tiles);
    if (count > 1)
      plan.warnings.push_back(
          fmt::format("{} in {} tiles, for want of memory: tones may differ a little between them", done, count));
  };
  for (std::size_t i = 0; i < plan.passes.size(); ++i) {
    const PassMemory& memory = plan.memory.passes[i];
    if (memory.encodes) warn("encoded", plan.passes[i].latents, memory.encode_tiles);
    if (memory.decodes) warn("decoded", plan.passes[i].latents, memory.decode_tiles);
  }
}

}  // namespace

bool SamplingPlan::guided() const noexcept { return std::ranges::any_of(passes, &PassPlan::guided); }

bool SamplingPlan::always_guided() const noexcept { return std::ranges::all_of(passes, &PassPlan::always_guided); }

std::int64_t SamplingPlan::steps_run() const noexcept {
  std::int64_t sum = 0;
  for (const PassPlan& pass : passes) sum += pass.run();
  return sum;
}

double SamplingPlan::full_steps(std::size_t index) const noexcept {
  const PassPlan& pass = passes[index];
  const double shallow = memory.passes[index].shallow;
  const double alone = 1 / static_cast<double>(std::ssize(scales) + 1);  // the part of an unguided step
  double sum = 0;
  std::int64_t uses = 0;  // of the deep features
  bool before = false;
  for (std::int64_t step = 0; step < pass.run(); ++step) {
    const bool is_guided = pass.guided_from <= step && step < pass.guided_to;
    if (uses == cache || is_guided != before) uses = 0;
    before = is_guided;
    sum += (uses++ == 0 ? 1 : shallow) * (guided() && !is_guided ? alone : 1);
  }
  return sum;
}

std::int64_t SamplingPlan::batch_at(std::int64_t first) const noexcept {
  const std::int64_t size = (count + batches() - 1) / batches();
  return std::min(size, count - first);
}

SamplingPlan plan_sampling(Model::State& model, const GenerateOptions& options, const Job& job) {
  check_micro_conditioning(model.networks, options.micro);
  check_prompt("prompt", options.prompt);
  check_prompt("negative prompt", options.negative_prompt);
  SamplingPlan plan;
  choose_sampler(plan, options);
  plan.rng = parse_rng(options.rng);
  choose_precision(plan, *model.backend, options);
  check_scale("cfg", options.cfg);
  check_scale("image-cfg", job.image_cfg);
  check_interval(options.guidance_interval);
  plan.negative_is_blank = blank_negative(model.networks, options);
  if (job.sight == Sight::picture_to_edit) plan.scales.push_back(static_cast<float>(job.image_cfg));
  plan.scales.push_back(static_cast<float>(options.cfg));
  for (const Pass& pass : job.passes) plan.passes.push_back(plan_pass(model, plan, options, pass));
  plan.cache = options.cache;
  if (plan.cache < 1 || plan.cache > options.steps)
    fail(ErrorCategory::usage, "[cache] expected 1 to {}, the number of steps; found {}", options.steps, plan.cache);
  for (const Pass& pass : job.passes) check_size(pass.width, pass.height);

  plan.initial_latents = initial_latents(model, options.initial_latents);
  plan.count = options.count.value_or(plan.initial_latents ? plan.initial_latents.dim(0) : 1);
  check_count(plan, job);
  check_initial_latents(plan);
  model.networks.set_precision(plan.precision, *model.backend);  // what is rehearsed is what will run
  plan.memory = plan_memory(model, demand(model, plan, options, job));
  warn_of_tiles(plan);
  plan.seed = options.seed ? *options.seed : std::random_device{}();  // 32 bits, as other programs draw them
  return plan;
}

}  // namespace safelight

#include "tasks/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "core/fresh_memory.h"
#include "diffusion/latent_noise.h"
#include "diffusion/repeated.h"
#include "diffusion/weighted_sum.h"
#include "image/resize.h"
#include "image/resize_latents.h"
#include "tasks/blend.h"
#include "tasks/conditioning.h"
#include "tasks/conditions.h"
#include "tasks/picture_latents.h"
#include "tasks/planes.h"
#include "tasks/precisions.h"
#include "tasks/settings.h"
#include "tasks/stopwatch.h"
#include "tasks/text_rows.h"
#include "tasks/weights.h"

namespace safelight {
namespace {

// One call: what its parts share.
class Engine {
 public:
  Engine(Model::State& model, const GenerateOptions& options, const Job& job)
      : model_(model), options_(options), job_(job), plan_(plan_sampling(model, options, job)) {}

  GenerateReport run(const OnPicture& on_picture);

 private:
  void encode_texts();
  Tensor encode_pictures();
  Tensor encode(std::size_t pass, const Tensor& picture, const Tensor& noise);
  void make_batch(std::int64_t first, std::int64_t count, const OnPicture& on_picture);
  Tensor sample_pass(std::size_t pass, std::int64_t first, std::int64_t count, const Tensor& picture);
  Tensor start_noise(std::size_t pass, std::int64_t first, LatentNoise& noise) const;
  GuidedRange guided_range(const PassPlan& pass, const NoiseSchedule& schedule, std::span<const double> levels) const;
  Amendment blending(const Sampler& sampler, const Tensor& picture, const Tensor& noise) const;
  Tensor enlarged(const Tensor& latents);
  Tensor decode(std::size_t pass, const Tensor& latents, const PhasePlan* next);
  const PhasePlan* after_decode(std::int64_t index, bool in_batch) const;
  void warn_unless_finite(std::int64_t index, const Tensor& pixels);
  void complete_report();

  // What one phase leaves behind would only add to the memory of the next, but for as much as that takes itself: fresh
  // memory costs time.
  void end(NetworkPart part, const PhasePlan* next) {
    model_.backend->trim(next ? next->pool : 0);
    release_freed_memory();
    release_weights(model_.networks, part);
  }
  void inspect(std::int64_t index, std::string_view name, const Tensor& tensor) const {
    if (options_.inspect) options_.inspect({index, name, tensor});
  }
  // Each picture of a batch by itself, NCHW.
  void inspect_batch(std::size_t pass, std::int64_t first, const std::string& name, const Tensor& batch) const {
    if (!options_.inspect) return;
    for (std::int64_t k = 0; k < batch.dim(0); ++k)
      inspect(first + k, pass == 0 ? name : "hires_" + name, to_nchw(image(batch, k)));
  }

  Model::State& model_;
  const GenerateOptions& options_;
  const Job& job_;
  const Stopwatch total_;
  const SamplingPlan plan_;
  GenerateReport report_;
  std::optional<Conditions> conditions_;
  std::vector<Conditioning> texts_;  // of each pass, if the UNet is told the picture's size; else of all
  std::size_t told_ = 0;             // whose texts the conditions follow
  Tensor picture_latents_;           // [1, h, w, c]
  double step_ms_ = 0, decode_ms_ = 0;
};

void Engine::encode_texts() {
  const Stopwatch stopwatch;
  if (!plan_.guided() && std::ranges::any_of(plan_.scales, [](float scale) { return scale != 1; })) {
    const auto [from, to] = options_.guidance_interval;
    report_.warnings.push_back(
        fmt::format("no step of {} lies in the guidance interval {}-{}", plan_.passes.front().run(), from, to));
  }
  const bool tells_size = model_.networks.unet.vector_width() > 0;
  {  // copies, so that nothing of the texts stays in the backend's pool
    const TextEmbeddings embeddings = safelight::encode_texts(model_, options_, plan_, report_.warnings);
    constexpr std::array<std::int64_t, 2> kBoth{kPromptRow, kNegativeRow};
    const std::span<const std::int64_t> all = std::span(kBoth).first(plan_.guided() ? 2 : 1);
    for (std::size_t pass = 0; pass < (tells_size ? plan_.passes.size() : 1); ++pass) {
      const PictureSize size{.width = plan_.passes[pass].width, .height = plan_.passes[pass].height};
      const Conditioning told = condition_on_size(model_, embeddings, options_.micro, size);
      texts_.push_back({.context = rows(told.context, all), .vector = rows(told.vector, all)});
    }
  }
  if (tells_size) inspect(0, "text_vector", texts_.front().vector);
  const PassMemory& first = plan_.memory.passes.front();
  end(NetworkPart::text_encoder, first.encodes ? &first.encode : &first.step);
  report_.text_ms = stopwatch.ms();
}

// As the sampler has latents: scaled.
Tensor Engine::encode(std::size_t pass, const Tensor& picture, const Tensor& noise) {
  const Stopwatch stopwatch;
  const PassMemory& memory = plan_.memory.passes[pass];
  const std::int64_t tiles = count_tiles(plan_.passes[pass].latents, memory.encode_tiles);
  model_.context.report("encode", 0, tiles);
  const auto on_tile = [&](std::int64_t done, std::int64_t total) {
    if (done < total) model_.context.report("encode", done, total);
  };
  const LatentDistribution found =
      encode_in_tiles(model_.networks.vae_encoder, picture, memory.encode_tiles, *model_.backend, on_tile);
  Tensor latents = scaled(picked(found, noise), static_cast<double>(model_.networks.latent_scale));
  model_.context.report("encode", tiles, tiles);
  report_.encode_ms += stopwatch.ms();
  return latents;
}

// The latents of the picture that is worked on; returns the channels that the UNet sees besides.
Tensor Engine::encode_pictures() {
  if (!plan_.memory.passes.front().encodes) return {};
  if (!job_.picture.empty()) {
    const Tensor noise = job_.encoder_noise.empty() ? Tensor() : to_nhwc(to_f32(job_.encoder_noise));
    picture_latents_ = encode(0, job_.picture, noise);
    inspect(0, "picture_latents", to_nchw(picture_latents_));
  }
  Tensor seen;
  if (job_.sight != Sight::nothing) {
    seen = encode(0, job_.seen, {});
    if (job_.sight == Sight::picture_to_edit)
      seen = scaled(seen, 1 / static_cast<double>(model_.networks.latent_scale));
    inspect(0, "seen_latents", to_nchw(seen));
  }
  if (!job_.mask.empty()) inspect(0, "mask", to_nchw(job_.mask));
  if (job_.sight == Sight::masked_picture) seen = scaled(model_.backend->concat(job_.seen_mask, seen), 1);
  end(NetworkPart::vae_encoder, &plan_.memory.passes.front().step);
  return seen;
}

// Noise of unit variance. The generators' first draw is made in any case: the noise of the steps follows it.
Tensor Engine::start_noise(std::size_t pass, std::int64_t first, LatentNoise& noise) const {
  Tensor drawn = noise.next();
  const Tensor& given = plan_.initial_latents;
  if (given.empty() || pass > 0) return drawn;
  for (std::int64_t k = 0; k < drawn.dim(0); ++k) set_image(drawn, k, image(given, given.dim(0) == 1 ? 0 : first + k));
  return drawn;
}

// The noise levels of the guided steps.
GuidedRange Engine::guided_range(const PassPlan& pass, const NoiseSchedule& schedule,
                                 std::span<const double> levels) const {
  const auto timestep = [&](std::int64_t step) {
    return static_cast<float>(schedule.timestep(levels[static_cast<std::size_t>(step)]));
  };
  return {.lowest = timestep(pass.guided_to - 1), .highest = timestep(pass.guided_from)};
}

// x0 with noise of a level, in the sampler's form.
Tensor noised(const Sampler& sampler, const Tensor& x0, const Tensor& noise, double level) {
  const double form = sampler.form(level);
  return weighted_sum(form, x0, form * level, noise);
}

// What is not masked is the picture's, with as much of the start noise as the rest has; without any at the end.
Amendment Engine::blending(const Sampler& sampler, const Tensor& picture, const Tensor& noise) const {
  if (!job_.blends) return {};
  return [&](const Tensor& x, const Step& step) {
    const auto steps = static_cast<double>(step.levels.size() - 1);
    const double left = steps - 1 - static_cast<double>(step.index);
    return let_go(left == 0 ? picture : noised(sampler, picture, noise, step.next()), x, job_.mask, left / steps);
  };
}

// `picture`: latents [count, h, w, c] that it starts from, or is blended with; empty: it starts from noise.
Tensor Engine::sample_pass(std::size_t index, std::int64_t first, std::int64_t count, const Tensor& picture) {
  const PassPlan& pass = plan_.passes[index];
  if (texts_.size() > 1 && std::exchange(told_, index) != index) conditions_->follow(texts_[index]);
  conditions_->prepare_for(count);
  Shape shape = pass.latents;
  shape[0] = count;
  LatentNoise noise(plan_.rng, plan_.seed + static_cast<std::uint64_t>(first), shape);
  const Tensor start = start_noise(index, first, noise);
  inspect_batch(index, first, "start_noise", start);

  const NoiseSchedule schedule(model_.networks.zero_terminal_snr);
  const std::unique_ptr<Sampler> sampler = plan_.sampler->make();
  const std::vector<double> all = sampler->levels(schedule, plan_.spacing, static_cast<int>(pass.steps));
  const std::span<const double> levels = std::span(all).subspan(static_cast<std::size_t>(pass.first));
  Tensor x;
  if (picture.empty() || (index == 0 && job_.from_noise)) {
    x = scaled(start, sampler->start_scale(levels.front()));
  } else {
    Tensor x0 = picture;
    if (index == 0 && job_.hidden != HiddenLatents::of_picture)
      x0 = mixed(picture, job_.hidden == HiddenLatents::noise ? start : scaled(start, 0), job_.mask);
    x = noised(*sampler, x0, start, levels.front());
  }
  CachedUNet unet(model_.networks.unet, plan_.cache);
  const GuidedRange range = pass.guided() ? guided_range(pass, schedule, levels) : GuidedRange{};
  const std::vector<float> scales = pass.guided() ? plan_.scales : std::vector<float>{1};
  const Denoiser denoiser(schedule, Guidance(conditions_->all(unet), conditions_->last(unet), scales, range),
                          model_.networks.prediction);
  const auto on_step = [&](const StepReport& step) {
    inspect_batch(index, first, fmt::format("latents_{:03}", step.done), step.latents);
  };
  const std::string_view stage = index == 0 ? "step" : "hires step";
  model_.context.report(stage, 0, pass.run());
  Tensor latents = sample(
      *sampler, levels, std::move(x), denoiser, [&] { return noise.next(); }, model_.context, on_step,
      index == 0 ? blending(*sampler, picture, start) : Amendment{}, stage);
  const std::span<const PassMemory> memory = plan_.memory.passes;
  end(NetworkPart::unet, memory[index].decodes ? &memory[index].decode : &memory[index + 1].step);
  return latents;
}

// `next`: the phase that follows, if one does.
Tensor Engine::decode(std::size_t pass, const Tensor& latents, const PhasePlan* next) {
  const Stopwatch stopwatch;
  const PassMemory& memory = plan_.memory.passes[pass];
  const std::int64_t tiles = count_tiles(latents.shape(), memory.decode_tiles);
  model_.context.report("decode", 0, tiles);
  const auto on_tile = [&](std::int64_t done, std::int64_t total) {
    if (done < total) model_.context.report("decode", done, total);
  };
  Tensor pixels = decode_in_tiles(model_.networks.vae_decoder,
                                  scaled(latents, 1 / static_cast<double>(model_.networks.latent_scale)),
                                  memory.decode_tiles, *model_.backend, on_tile);
  model_.context.report("decode", tiles, tiles);
  end(NetworkPart::vae_decoder, next);
  decode_ms_ += stopwatch.ms();
  return pixels;
}

// Latents of the second pass's size.
Tensor Engine::enlarged(const Tensor& latents) {
  const PassPlan& second = plan_.passes[1];
  if (const std::optional<LatentResize> mode = job_.upscaler->latents)
    return resize_latents(latents, second.latents[1], second.latents[2], *mode);
  Shape shape = second.latents;
  shape[0] = latents.dim(0);
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  for (std::int64_t k = 0; k < latents.dim(0); ++k) {
    const Picture small = to_picture(decode(0, image(latents, k), &plan_.memory.passes[1].encode));
    set_image(result, k, encode(1, to_tensor(resize(small, second.width, second.height)), {}));
  }
  end(NetworkPart::vae_encoder, &plan_.memory.passes[1].step);
  return result;
}

void Engine::warn_unless_finite(std::int64_t index, const Tensor& pixels) {
  const auto bad = std::ranges::count_if(pixels.floats(), [](float v) { return !std::isfinite(v); });
  if (bad > 0)
    report_.warnings.push_back(
        fmt::format("picture {}: {} of {} values are infinite or not a number", index + 1, bad, pixels.elements()));
}

// What follows the decoding of a picture, if the memory stays for it: what finishes a picture takes some as well.
const PhasePlan* Engine::after_decode(std::int64_t index, bool in_batch) const {
  if (job_.finish || index + 1 == plan_.count) return nullptr;
  return in_batch ? &plan_.memory.passes.back().decode : &plan_.memory.passes.front().step;
}

void Engine::make_batch(std::int64_t first, std::int64_t count, const OnPicture& on_picture) {
  const Stopwatch stepping;
  const Tensor picture = picture_latents_.empty() ? Tensor() : repeated(picture_latents_, count);
  Tensor latents = sample_pass(0, first, count, picture);
  step_ms_ += stepping.ms();
  if (plan_.passes.size() > 1) {
    const Tensor larger = enlarged(latents);
    const Stopwatch stepping_again;
    latents = sample_pass(1, first, count, larger);
    step_ms_ += stepping_again.ms();
  }
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t index = first + k;
    const Tensor pixels = decode(plan_.passes.size() - 1, image(latents, k), after_decode(index, k + 1 < count));
    if (options_.inspect) inspect(index, "picture", to_nchw(pixels));
    warn_unless_finite(index, pixels);
    const std::uint64_t seed = plan_.seed + static_cast<std::uint64_t>(index);
    on_picture({.index = index,
                .seed = seed,
                .picture = job_.finish ? job_.finish(pixels) : to_picture(pixels),
                .infotext = settings_text(model_, options_, plan_, job_, seed)});
    model_.context.report("picture", index + 1, plan_.count);
  }
}

void Engine::complete_report() {
  report_.width = job_.width;
  report_.height = job_.height;
  report_.count = plan_.count;
  report_.steps = plan_.passes.front().steps;
  report_.steps_run = plan_.steps_run();
  report_.batch = plan_.batch_at(0);
  report_.seed = plan_.seed;
  report_.sampler = plan_.sampler->names.name;
  report_.schedule = info(plan_.spacing).names.name;
  report_.rng = info(plan_.rng).names.name;
  report_.precision = info(plan_.precision).names.name;
  report_.instruction_set = model_.backend->instruction_set();
  const PassMemory& last = plan_.memory.passes.back();
  for (std::size_t pass = 0; pass < plan_.passes.size(); ++pass)
    if (const PassMemory& memory = plan_.memory.passes[pass]; memory.encodes)
      report_.encode_tiles = count_tiles(plan_.passes[pass].latents, memory.encode_tiles);
  report_.decode_tiles = count_tiles(plan_.passes.back().latents, last.decode_tiles);
  report_.texts_in_turn = plan_.guided() && plan_.memory.answers == Answers::in_turn;
  report_.mean_step_ms = step_ms_ / static_cast<double>(plan_.count * plan_.steps_run());
  report_.mean_decode_ms = decode_ms_ / static_cast<double>(plan_.count);
  report_.total_ms = total_.ms();
}

GenerateReport Engine::run(const OnPicture& on_picture) {
  report_.warnings = model_.networks.file.facts().warnings;
  for (const auto& more : {job_.warnings, plan_.warnings})
    report_.warnings.insert(report_.warnings.end(), more.begin(), more.end());
  encode_texts();
  Tensor seen = encode_pictures();
  conditions_.emplace(model_, plan_, job_.sight, texts_.front(), std::move(seen));
  model_.context.report("picture", 0, plan_.count);
  std::int64_t done = 0;
  for (std::int64_t first = 0; first < plan_.count; first += plan_.batch_at(first)) {
    model_.context.report("batch", done++, plan_.batches());
    make_batch(first, plan_.batch_at(first), on_picture);
  }
  model_.context.report("batch", done, plan_.batches());
  complete_report();
  return std::move(report_);
}

}  // namespace

GenerateReport run_job(Model& model, const GenerateOptions& options, const Job& job, const OnPicture& on_picture) {
  return Engine(model.state(), options, job).run(on_picture);
}

}  // namespace safelight

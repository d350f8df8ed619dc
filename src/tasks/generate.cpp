// Text to picture with a latent diffusion model (Rombach et al. 2022).
#include "safelight/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "diffusion/guidance.h"
#include "diffusion/latent_noise.h"
#include "diffusion/weighted_sum.h"
#include "format/residency.h"
#include "image/infotext.h"
#include "models/cached_unet.h"
#include "tasks/conditioning.h"
#include "tasks/generate_plan.h"
#include "tasks/planes.h"
#include "tasks/precisions.h"
#include "tasks/stopwatch.h"

namespace safelight {
namespace {

// One call of generate(): what its parts share.
class Generation {
 public:
  Generation(Model::State& model, const GenerateOptions& options)
      : model_(model), options_(options), plan_(plan_generate(model, options)) {}

  GenerateReport run(const std::function<void(GeneratedPicture)>& on_picture);

 private:
  void encode_texts();
  void prepare_texts();
  GuidedRange guided_range(const NoiseSchedule& schedule, std::span<const double> levels) const;
  void begin(const PhasePlan& phase) { model_.backend->keep_spare(phase.keep_spare); }
  void end(std::string_view weights);
  Tensor start_noise(std::int64_t index, LatentNoise& noise) const;
  Tensor sample_latents(std::int64_t index);
  Tensor decode(const Tensor& latents);
  std::string infotext(std::uint64_t seed) const;
  void warn_unless_finite(std::int64_t index, const Tensor& pixels);
  void inspect(std::int64_t index, std::string_view name, const Tensor& tensor) const {
    if (options_.inspect) options_.inspect({index, name, tensor});
  }

  Model::State& model_;
  const GenerateOptions& options_;
  const Stopwatch total_;
  const GeneratePlan plan_;
  GenerateReport report_;
  Conditioning texts_;                     // until prepared: of the prompt and, if guided, the negative one
  std::vector<TextContext> pair_, alone_;  // what the UNet sees in guided steps, in two parts if in turn; in the others
  double step_ms_ = 0, decode_ms_ = 0;
};

// What one phase leaves behind would only add to the memory of the next.
void Generation::end(std::string_view weights) {
  model_.backend->trim();
  release_pages(model_.networks.file, weights);
}

void Generation::encode_texts() {
  begin(plan_.memory.text);
  if (!plan_.guided() && plan_.cfg != 1) {
    const auto [from, to] = options_.guidance_interval;
    report_.warnings.push_back(fmt::format("no step of {} lies in the guidance interval {}-{}", plan_.steps, from, to));
  }
  texts_ = condition_on_texts(model_, options_, {.width = plan_.width, .height = plan_.height}, plan_.guided(),
                              report_.warnings);
  end(model_.networks.text_encoder_prefix());
}

// Keys and values of the texts, once for all steps of all pictures.
void Generation::prepare_texts() {
  begin(plan_.memory.step);
  UNet& unet = model_.networks.unet;
  const Conditioning prompt = text(texts_, 0);
  const auto prepare = [&unet](const Conditioning& c) { return unet.prepare(c.context, c.vector); };
  if (plan_.guided()) {
    const Conditioning negative = text(texts_, 1);
    if (plan_.memory.passes == Passes::together)
      pair_ = {prepare(side_by_side(negative, prompt))};
    else
      pair_ = {prepare(negative), prepare(prompt)};
  }
  if (!plan_.always_guided()) alone_ = {prepare(prompt)};
  texts_ = {};
}

// Noise of unit variance. The generator's first draw is made in any case: the noise of the steps follows it.
Tensor Generation::start_noise(std::int64_t index, LatentNoise& noise) const {
  Tensor drawn = noise.next();
  if (plan_.initial_latents.empty()) return drawn;
  return image(plan_.initial_latents, plan_.initial_latents.dim(0) == 1 ? 0 : index);
}

// The noise levels of the guided steps.
GuidedRange Generation::guided_range(const NoiseSchedule& schedule, std::span<const double> levels) const {
  const auto timestep = [&](std::int64_t step) {
    return static_cast<float>(schedule.timestep(levels[static_cast<std::size_t>(step)]));
  };
  return {.lowest = timestep(plan_.guided_to - 1), .highest = timestep(plan_.guided_from)};
}

Tensor Generation::sample_latents(std::int64_t index) {
  LatentNoise noise(plan_.rng, plan_.seed + static_cast<std::uint64_t>(index), plan_.latents);
  const Tensor start = start_noise(index, noise);
  if (options_.inspect) inspect(index, "start_noise", to_nchw(start));

  const NoiseSchedule schedule(model_.networks.zero_terminal_snr);
  const std::unique_ptr<Sampler> sampler = plan_.sampler->make();
  const std::vector<double> levels = sampler->levels(schedule, plan_.spacing, static_cast<int>(plan_.steps));
  CachedUNet unet(model_.networks.unet, plan_.cache);
  const auto following = [&unet](std::span<const TextContext> texts) {
    return [&unet, texts](const Tensor& x, std::span<const float> timesteps) { return unet(x, timesteps, texts); };
  };
  const Denoiser denoiser(schedule,
                          plan_.guided()
                              ? Guidance(following(pair_), following(alone_), plan_.cfg, guided_range(schedule, levels))
                              : Guidance({}, following(alone_), 1),
                          model_.networks.prediction);
  const auto on_step = [&](const StepReport& step) {
    if (options_.inspect) inspect(index, fmt::format("latents_{:03}", step.done), to_nchw(step.latents));
  };
  model_.context.report("step", 0, plan_.steps);
  return sample(
      *sampler, levels, scaled(start, sampler->start_scale(levels.front())), denoiser, [&] { return noise.next(); },
      model_.context, on_step);
}

Tensor Generation::decode(const Tensor& latents) {
  begin(plan_.memory.decode);
  const std::int64_t tiles = plan_.memory.decode_tiles(plan_.latents);
  model_.context.report("decode", 0, tiles);
  const auto on_tile = [&](std::int64_t done, std::int64_t total) {
    if (done < total) model_.context.report("decode", done, total);
  };
  Tensor pixels = decode_in_tiles(model_.networks.vae_decoder,
                                  scaled(latents, 1 / static_cast<double>(model_.networks.latent_scale)),
                                  plan_.memory.tiles, *model_.backend, on_tile);
  model_.context.report("decode", tiles, tiles);
  end(StableDiffusion::kVaeDecoder);
  return pixels;
}

std::string Generation::infotext(std::uint64_t seed) const {
  Infotext info{.prompt = options_.prompt, .negative_prompt = options_.negative_prompt, .fields = {}};
  const auto add = [&](std::string name, std::string value) {
    info.fields.emplace_back(std::move(name), std::move(value));
  };
  add("Steps", fmt::format("{}", plan_.steps));
  add("Sampler", std::string(plan_.sampler->names.label));
  add("Schedule type", std::string(safelight::info(plan_.spacing).names.label));
  add("CFG scale", fmt::format("{}", options_.cfg));
  if (const GuidanceInterval& interval = options_.guidance_interval; interval != GuidanceInterval{})
    add("Guidance interval", fmt::format("{}-{}", interval.from, interval.to));
  if (plan_.cache != 1) add("Cache", fmt::format("{}", plan_.cache));
  add("Seed", fmt::format("{}", seed));
  add("Size", fmt::format("{}x{}", plan_.width, plan_.height));
  if (const std::string& hash = model_.hash.hex(model_.context); !hash.empty()) add("Model hash", hash.substr(0, 10));
  add("Model", model_.networks.file.name());
  const CheckpointSources& sources = model_.networks.file.sources();
  if (!sources.vae.empty()) add("VAE", sources.vae.filename());
  for (const std::filesystem::path& encoder : sources.text_encoders) add("Text encoder", encoder.filename());
  if (!sources.variant.empty()) add("Variant", sources.variant);
  add("RNG", std::string(safelight::info(plan_.rng).names.label));
  if (plan_.precision != Precision::full) add("Precision", std::string(safelight::info(plan_.precision).names.label));
  const Training& said = model_.training;
  if (said.prediction) add("Prediction", *said.prediction == Prediction::v ? "v" : "noise");
  if (said.zero_terminal_snr) add("Zero terminal SNR", *said.zero_terminal_snr ? "true" : "false");
  for (auto& [name, value] : micro_conditioning_fields(options_.micro)) add(std::move(name), std::move(value));
  add("Version", "Safelight " SAFELIGHT_VERSION);
  return format_infotext(info);
}

void Generation::warn_unless_finite(std::int64_t index, const Tensor& pixels) {
  const auto bad = std::ranges::count_if(pixels.floats(), [](float v) { return !std::isfinite(v); });
  if (bad > 0)
    report_.warnings.push_back(
        fmt::format("picture {}: {} of {} values are infinite or not a number", index + 1, bad, pixels.elements()));
}

GenerateReport Generation::run(const std::function<void(GeneratedPicture)>& on_picture) {
  const Stopwatch encoding;
  encode_texts();
  prepare_texts();
  report_.text_ms = encoding.ms();
  for (std::int64_t index = 0; index < plan_.count; ++index) {
    model_.context.report("picture", index, plan_.count);
    const Stopwatch stepping;
    begin(plan_.memory.step);
    const Tensor latents = sample_latents(index);
    end(StableDiffusion::kUNet);
    step_ms_ += stepping.ms();
    const Stopwatch decoding;
    const Tensor pixels = decode(latents);
    decode_ms_ += decoding.ms();
    if (options_.inspect) inspect(index, "picture", to_nchw(pixels));
    warn_unless_finite(index, pixels);
    const std::uint64_t seed = plan_.seed + static_cast<std::uint64_t>(index);
    on_picture({.index = index, .seed = seed, .picture = to_picture(pixels), .infotext = infotext(seed)});
  }
  model_.context.report("picture", plan_.count, plan_.count);

  report_.width = plan_.width;
  report_.height = plan_.height;
  report_.steps = plan_.steps;
  report_.count = plan_.count;
  report_.seed = plan_.seed;
  report_.sampler = plan_.sampler->names.name;
  report_.schedule = safelight::info(plan_.spacing).names.name;
  report_.rng = safelight::info(plan_.rng).names.name;
  report_.precision = safelight::info(plan_.precision).names.name;
  report_.decode_tiles = plan_.memory.decode_tiles(plan_.latents);
  report_.texts_in_turn = plan_.guided() && plan_.memory.passes == Passes::in_turn;
  report_.mean_step_ms = step_ms_ / static_cast<double>(plan_.count * plan_.steps);
  report_.mean_decode_ms = decode_ms_ / static_cast<double>(plan_.count);
  report_.total_ms = total_.ms();
  return std::move(report_);
}

}  // namespace

GenerateReport generate(Model& model, const GenerateOptions& options,
                        const std::function<void(GeneratedPicture)>& on_picture) {
  return Generation(model.state(), options).run(on_picture);
}

}  // namespace safelight

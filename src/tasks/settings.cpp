#include "tasks/settings.h"

#include <fmt/format.h>

#include "image/infotext.h"
#include "tasks/conditioning.h"
#include "tasks/field_names.h"
#include "tasks/precisions.h"

namespace safelight {
namespace {

// Of a folder, too, with or without a slash at its end.
std::string last_name(const std::filesystem::path& path) {
  return path.has_filename() ? path.filename() : path.parent_path().filename();
}

}  // namespace

std::string settings_text(Model::State& model, const GenerateOptions& options, const SamplingPlan& plan, const Job& job,
                          std::uint64_t seed) {
  Infotext info{.prompt = options.prompt, .negative_prompt = options.negative_prompt, .fields = {}};
  const auto add = [&](std::string_view name, std::string value) { info.fields.emplace_back(name, std::move(value)); };
  const Pass& first = job.passes.front();
  add(field::kSteps, fmt::format("{}", first.steps));
  add(field::kSampler, std::string(plan.sampler->names.label));
  add(field::kSchedule, std::string(safelight::info(plan.spacing).names.label));
  add(field::kCfg, fmt::format("{}", options.cfg));
  if (job.sight == Sight::picture_to_edit) add(field::kImageCfg, fmt::format("{}", job.image_cfg));
  if (const GuidanceInterval& interval = options.guidance_interval; interval != GuidanceInterval{})
    add(field::kGuidanceInterval, fmt::format("{}-{}", interval.from, interval.to));
  if (plan.cache != 1) add(field::kCache, fmt::format("{}", plan.cache));
  add(field::kSeed, fmt::format("{}", seed));
  add(field::kSize, fmt::format("{}x{}", first.width, first.height));
  const auto add_hash = [&](std::string_view name, BackgroundHash& of) {
    if (const std::string& hash = of.hex(model.context); !hash.empty()) add(name, hash.substr(0, 10));
  };
  add_hash(field::kModelHash, model.hash);
  add(field::kModel, model.networks.file.name());
  const CheckpointSources& sources = model.networks.file.sources();
  if (model.vae_hash) {
    add_hash(field::kVaeHash, *model.vae_hash);
    add(field::kVae, last_name(sources.vae));
  }
  for (const std::filesystem::path& encoder : sources.text_encoders) add(field::kTextEncoder, last_name(encoder));
  if (!sources.variant.empty()) add(field::kVariant, sources.variant);
  // Of the pass that starts from a picture: the only one, or the second.
  if (!job.picture.empty() || job.sight == Sight::masked_picture || job.passes.size() > 1)
    add(field::kStrength, fmt::format("{}", job.passes.back().strength));
  add(field::kRng, std::string(safelight::info(plan.rng).names.label));
  if (plan.precision != Precision::full)
    add(field::kPrecision, std::string(safelight::info(plan.precision).names.label));
  const Training& said = model.training;
  // Told by the user, or by a file that the model's hash does not cover.
  const bool beside = model.networks.file.facts().said.has_value();
  if (said.prediction || beside) add(field::kPrediction, model.networks.prediction == Prediction::v ? "v" : "noise");
  if (said.zero_terminal_snr || (beside && model.networks.zero_terminal_snr))
    add(field::kZeroTerminalSnr, model.networks.zero_terminal_snr ? "true" : "false");
  if (plan.initial_latents) add(field::kStartNoise, "given");
  for (auto& [name, value] : micro_conditioning_fields(options.micro)) add(name, std::move(value));
  info.fields.insert(info.fields.end(), job.settings.begin(), job.settings.end());
  add(field::kVersion, std::string(field::kSafelight) + " " SAFELIGHT_VERSION);
  return format_infotext(info);
}

}  // namespace safelight

#include "tasks/settings.h"

#include <fmt/format.h>

#include "image/infotext.h"
#include "tasks/conditioning.h"
#include "tasks/precisions.h"

namespace safelight {

std::string settings_text(Model::State& model, const GenerateOptions& options, const SamplingPlan& plan, const Job& job,
                          std::uint64_t seed) {
  Infotext info{.prompt = options.prompt, .negative_prompt = options.negative_prompt, .fields = {}};
  const auto add = [&](std::string name, std::string value) {
    info.fields.emplace_back(std::move(name), std::move(value));
  };
  const Pass& first = job.passes.front();
  add("Steps", fmt::format("{}", first.steps));
  add("Sampler", std::string(plan.sampler->names.label));
  add("Schedule type", std::string(safelight::info(plan.spacing).names.label));
  add("CFG scale", fmt::format("{}", options.cfg));
  if (job.sight == Sight::picture_to_edit) add("Image CFG scale", fmt::format("{}", job.image_cfg));
  if (const GuidanceInterval& interval = options.guidance_interval; interval != GuidanceInterval{})
    add("Guidance interval", fmt::format("{}-{}", interval.from, interval.to));
  if (plan.cache != 1) add("Cache", fmt::format("{}", plan.cache));
  add("Seed", fmt::format("{}", seed));
  add("Size", fmt::format("{}x{}", first.width, first.height));
  if (const std::string& hash = model.hash.hex(model.context); !hash.empty()) add("Model hash", hash.substr(0, 10));
  add("Model", model.networks.file.name());
  const CheckpointSources& sources = model.networks.file.sources();
  if (!sources.vae.empty()) add("VAE", sources.vae.filename());
  for (const std::filesystem::path& encoder : sources.text_encoders) add("Text encoder", encoder.filename());
  if (!sources.variant.empty()) add("Variant", sources.variant);
  // Of the pass that starts from a picture: the only one, or the second.
  if (!job.picture.empty() || job.sight == Sight::masked_picture || job.passes.size() > 1)
    add("Denoising strength", fmt::format("{}", job.passes.back().strength));
  add("RNG", std::string(safelight::info(plan.rng).names.label));
  if (plan.precision != Precision::full) add("Precision", std::string(safelight::info(plan.precision).names.label));
  const Training& said = model.training;
  if (said.prediction) add("Prediction", *said.prediction == Prediction::v ? "v" : "noise");
  if (said.zero_terminal_snr) add("Zero terminal SNR", *said.zero_terminal_snr ? "true" : "false");
  for (auto& [name, value] : micro_conditioning_fields(options.micro)) add(std::move(name), std::move(value));
  info.fields.insert(info.fields.end(), job.settings.begin(), job.settings.end());
  add("Version", "Safelight " SAFELIGHT_VERSION);
  return format_infotext(info);
}

}  // namespace safelight

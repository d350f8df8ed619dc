#include "models/stable_diffusion.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "core/fail.h"
#include "core/shown_path.h"
#include "models/missing_parts.h"
#include "models/recognise.h"

namespace safelight {
namespace {

struct Size {
  std::int64_t width, height;
};

// "WIDTHxHEIGHT", both multiples of `multiple` and at most 16384.
std::optional<Size> parse_resolution(std::string_view text, std::int64_t multiple) {
  const auto side = [multiple](std::string_view digits) -> std::optional<std::int64_t> {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    return whole && value > 0 && value <= 16384 && value % multiple == 0 ? std::optional(value) : std::nullopt;
  };
  const std::size_t x = text.find('x');
  if (x == std::string_view::npos) return std::nullopt;
  const auto width = side(text.substr(0, x)), height = side(text.substr(x + 1));
  return width && height ? std::optional(Size{*width, *height}) : std::nullopt;
}

Size default_size(const Checkpoint& file, std::int64_t factor) {
  constexpr std::int64_t kLatentSide = 64;  // what Stable Diffusion 1 was trained on: 512 pixels
  const auto said = file.metadata().find("modelspec.resolution");
  if (said != file.metadata().end())
    if (const auto size = parse_resolution(said->second, factor)) return *size;
  const std::int64_t side = file.facts().latent_side.value_or(kLatentSide) * factor;
  return {side, side};
}

// What the configuration files say goes before what is told from the tensors.
void apply(const CheckpointFacts& facts, Recognition& found) {
  found.prediction = facts.prediction.value_or(found.prediction);
  found.zero_terminal_snr = facts.zero_terminal_snr.value_or(found.zero_terminal_snr);
}

Recognition expect_stable_diffusion_1(const Checkpoint& file) {
  Recognition found = recognise(file);
  apply(file.facts(), found);
  if (found.family != Family::sd1 || found.prediction != Prediction::noise)
    fail(ErrorCategory::model, "[model] {} is {} ({}); expected a Stable Diffusion 1.x checkpoint",
         shown_path(file.path()), found.what, found.evidence);
  expect_complete(file);
  return found;
}

// What the UNet takes besides noisy latents of `latent` channels.
std::int64_t extra_channels(ModelTask task, std::int64_t latent) {
  switch (task) {
    case ModelTask::generate:
      return 0;
    case ModelTask::inpaint:
      return latent + 1;
    case ModelTask::edit:
      return latent;
  }
  return 0;
}

// Files written by transformers before 4.5 lack the text_model level.
Loader text_model(const Loader& w) {
  const Loader place = w / "cond_stage_model.transformer";
  return place.has("text_model") ? place / "text_model" : place;
}

Loader unet_place(const Loader& w) { return w / "model.diffusion_model"; }

// What the networks hand to each other must have one width on both sides.
void expect_networks_to_fit(const StableDiffusion& sd) {
  const auto expect_equal = [&sd](std::string_view one, std::int64_t a, std::string_view other, std::int64_t b) {
    if (a != b)
      fail(ErrorCategory::model, "[model] {}: {} is {}, {} is {}, expected the same", shown_path(sd.file.path()), one,
           a, other, b);
  };
  expect_equal("the text encoder's width", sd.text_encoder.width(), "the width of text that the UNet attends to",
               sd.unet.context_width());
  const std::int64_t latent = sd.vae_decoder.latent_channels();
  expect_equal("the UNet's number of outputs", sd.unet.out_channels(), "the VAE decoder's of inputs", latent);
  expect_equal("the UNet's number of inputs", sd.unet.in_channels(), "what its task demands",
               latent + extra_channels(sd.task, latent));
  expect_equal("the VAE decoder's number of inputs", sd.vae_decoder.latent_channels(), "the encoder's of outputs",
               sd.vae_encoder.latent_channels());
  expect_equal("the VAE decoder's factor", sd.vae_decoder.factor(), "the encoder's", sd.vae_encoder.factor());
}

}  // namespace

void StableDiffusion::set_unet_precision(Precision precision, Backend& backend) {
  if (precision == unet_precision) return;
  unet = UNet(unet_place(Loader(file, backend)).with(precision));
  unet_precision = precision;
}

StableDiffusion StableDiffusion::open(const std::filesystem::path& path, Backend& backend) {
  return open(Checkpoint::open(path), backend);
}

StableDiffusion StableDiffusion::open(const Checkpoint& file, Backend& backend) {
  Recognition found = expect_stable_diffusion_1(file);
  const Loader w(file, backend);
  StableDiffusion sd{.file = file,
                     .family = *found.family,
                     .task = found.task,
                     .prediction = found.prediction,
                     .zero_terminal_snr = found.zero_terminal_snr,
                     .what = std::move(found.what),
                     .text_encoder = ClipTextEncoder(text_model(w)),
                     .unet = UNet(unet_place(w)),
                     .vae_decoder = VaeDecoder(w / "first_stage_model"),
                     .vae_encoder = VaeEncoder(w / "first_stage_model")};
  expect_networks_to_fit(sd);
  sd.latent_scale = static_cast<float>(file.facts().latent_scale.value_or(sd.latent_scale));
  const Size size = default_size(file, sd.vae_decoder.factor());
  sd.default_width = size.width;
  sd.default_height = size.height;
  return sd;
}

}  // namespace safelight

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

// The latents' sides in training: 512 pixels, 768 for the version of Stable Diffusion 2 that predicts v, 1024 for XL.
std::int64_t latent_side(Family family, Prediction prediction) {
  switch (family) {
    case Family::sd1:
      return 64;
    case Family::sd2:
      return prediction == Prediction::v ? 96 : 64;
    case Family::sdxl:
    case Family::sdxl_refiner:
      return 128;
  }
  return 64;
}

// One over the standard deviation of a VAE's latents, as published with it: XL has one of its own.
float published_scale(Family family) {
  return family == Family::sdxl || family == Family::sdxl_refiner ? 0.13025f : 0.18215f;
}

Size default_size(const StableDiffusion& sd) {
  const std::int64_t factor = sd.vae_decoder.factor();
  const auto said = sd.file.metadata().find("modelspec.resolution");
  if (said != sd.file.metadata().end())
    if (const auto size = parse_resolution(said->second, factor)) return *size;
  const std::int64_t side = sd.file.facts().latent_side.value_or(latent_side(sd.family, sd.prediction)) * factor;
  return {side, side};
}

Recognition expect_stable_diffusion(const Checkpoint& file) {
  Recognition found = recognise(file);
  if (!found.family)
    fail(ErrorCategory::model, "[model] {} is {} ({}); expected a Stable Diffusion checkpoint", shown_path(file.path()),
         found.what, found.evidence);
  expect_complete(file);
  return found;
}

// A network that has just been bound. A backend may have read all its weights, to copy them (the reference does): what
// is mapped of the file goes before the next one is bound, or opening would take more memory than any phase of a run.
template <class Network>
Network bound(Network network, const Checkpoint& file) {
  release_pages(file);
  return network;
}

Loader unet_place(const Loader& w) { return w / "model.diffusion_model"; }
Loader vae_place(const Loader& w) { return w / "first_stage_model"; }

// The UNet's vector is the text's pooled features and embeddings of numbers: of one width, half cosines and half sines.
void expect_vector_to_fit(const StableDiffusion& sd) {
  const std::int64_t numbers = numbers_in_vector(sd.family), pooled = sd.text_encoders.pooled_width();
  const std::int64_t vector = sd.unet.vector_width(), rest = vector - pooled;
  if (numbers == 0 ? vector == 0 : rest > 0 && rest % (2 * numbers) == 0) return;
  fail(ErrorCategory::model,
       "[model] {}: the UNet's label_emb takes {} values, expected {} of the text and a multiple of {} for {} numbers",
       shown_path(sd.file.path()), vector, pooled, 2 * numbers, numbers);
}

// What the networks hand to each other must have one width on both sides.
void expect_networks_to_fit(const StableDiffusion& sd) {
  const auto expect_equal = [&sd](std::string_view one, std::int64_t a, std::string_view other, std::int64_t b) {
    if (a != b)
      fail(ErrorCategory::model, "[model] {}: {} is {}, {} is {}, expected the same", shown_path(sd.file.path()), one,
           a, other, b);
  };
  expect_equal(sd.text_encoders.count() == 1 ? "the text encoder's width" : "the text encoders' width",
               sd.text_encoders.width(), "the width of text that the UNet attends to", sd.unet.context_width());
  expect_vector_to_fit(sd);
  const std::int64_t latent = sd.vae_decoder.latent_channels();
  expect_equal("the UNet's number of outputs", sd.unet.out_channels(), "the VAE decoder's of inputs", latent);
  expect_equal("the UNet's number of inputs", sd.unet.in_channels(), "what its task demands",
               latent + extra_channels(sd.task, latent));
  expect_equal("the VAE decoder's number of inputs", sd.vae_decoder.latent_channels(), "the encoder's of outputs",
               sd.vae_encoder.latent_channels());
  expect_equal("the VAE decoder's factor", sd.vae_decoder.factor(), "the encoder's", sd.vae_encoder.factor());
}

}  // namespace

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

void StableDiffusion::set_precision(Precision wanted, Backend& backend) {
  if (wanted == precision) return;
  const auto of_vae = [](Precision p) { return p == Precision::bf16 ? p : Precision::full; };
  const Loader w = Loader(file, backend).with(wanted), of_pictures = vae_place(w.with(of_vae(wanted)));
  UNet new_unet = bound(UNet(unet_place(w)), file);
  if (of_vae(wanted) != of_vae(precision)) {
    VaeDecoder decoder = bound(VaeDecoder(of_pictures), file);
    vae_encoder = bound(VaeEncoder(of_pictures), file);
    vae_decoder = std::move(decoder);
  }
  unet = std::move(new_unet);
  precision = wanted;
}

StableDiffusion StableDiffusion::open(const std::filesystem::path& path, Backend& backend, const Training& training) {
  return open(Checkpoint::open(path), backend, training);
}

StableDiffusion StableDiffusion::open(const Checkpoint& file, Backend& backend, const Training& training) {
  Recognition found = expect_stable_diffusion(file);
  const Loader w(file, backend);
  StableDiffusion sd{.file = file,
                     .family = *found.family,
                     .task = found.task,
                     .prediction = training.prediction.value_or(found.prediction),
                     .zero_terminal_snr = training.zero_terminal_snr.value_or(found.zero_terminal_snr),
                     .what = std::move(found.what),
                     .text_encoders = bound(TextEncoders(w, *found.family, file.facts().text_activations), file),
                     .unet = bound(UNet(unet_place(w)), file),
                     .vae_decoder = bound(VaeDecoder(vae_place(w)), file),
                     .vae_encoder = bound(VaeEncoder(vae_place(w)), file),
                     .latent_scale = published_scale(*found.family)};
  expect_networks_to_fit(sd);
  if (numbers_in_vector(sd.family) > 0)
    sd.zeros_for_empty_prompt = file.facts().zeros_for_empty_prompt.value_or(sd.family == Family::sdxl);
  sd.latent_scale = static_cast<float>(file.facts().latent_scale.value_or(sd.latent_scale));
  const Size size = default_size(sd);
  sd.default_width = size.width;
  sd.default_height = size.height;
  return sd;
}

}  // namespace safelight

#include "tasks/weights.h"

#include "models/checkpoint.h"

namespace safelight {
namespace {

std::string_view prefix(const StableDiffusion& networks, Part part) {
  switch (part) {
    case Part::text_encoder:
      return networks.text_encoder_prefix();
    case Part::unet:
      return StableDiffusion::kUNet;
    case Part::vae_encoder:
      return StableDiffusion::kVaeEncoder;
    case Part::vae_decoder:
      return StableDiffusion::kVaeDecoder;
  }
  return {};
}

}  // namespace

std::uint64_t weight_bytes(const StableDiffusion& networks, Part part) {
  return bytes_below(networks.file, prefix(networks, part));
}

void release_weights(const StableDiffusion& networks, Part part) {
  release_pages(networks.file, prefix(networks, part));
}

void release_all_weights(const StableDiffusion& networks) { release_pages(networks.file); }

}  // namespace safelight

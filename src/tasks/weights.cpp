#include "tasks/weights.h"

#include <algorithm>
#include <map>

#include "models/checkpoint.h"

namespace safelight {
namespace {

std::string_view prefix(const StableDiffusion& networks, NetworkPart part) {
  switch (part) {
    case NetworkPart::text_encoder:
      return networks.text_encoder_prefix();
    case NetworkPart::unet:
      return StableDiffusion::kUNet;
    case NetworkPart::vae_encoder:
      return StableDiffusion::kVaeEncoder;
    case NetworkPart::vae_decoder:
      return StableDiffusion::kVaeDecoder;
  }
  return {};
}

}  // namespace

std::uint64_t weight_bytes(const StableDiffusion& networks, NetworkPart part) {
  return bytes_below(networks.file, prefix(networks, part));
}

DType unet_type(const StableDiffusion& networks) {
  std::map<DType, std::uint64_t> bytes;
  for (const TensorInfo* info : networks.file.below(StableDiffusion::kUNet)) bytes[info->dtype] += info->bytes();
  return std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; })->first;
}

void release_weights(const StableDiffusion& networks, NetworkPart part) {
  release_pages(networks.file, prefix(networks, part));
}

void release_all_weights(const StableDiffusion& networks) { release_pages(networks.file); }

}  // namespace safelight

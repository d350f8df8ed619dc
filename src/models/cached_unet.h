// A UNet whose deep features serve several steps (Ma, Fang & Wang 2023, "DeepCache: Accelerating Diffusion Models for
// Free", section 3.3, uniform 1:N).
#pragma once

#include <cstdint>
#include <span>

#include "models/unet.h"

namespace safelight {

// For one picture at a time, called with falling noise. The first call is a full run, as is every interval-th after it;
// the calls between are shallow (UNet::shallow). A call with another number of images, or of another size, than the one
// before is full, and the count begins anew: so it is where guidance sets in or ends. An interval of 1 is the UNet
// itself. Thread-compatible; the UNet must outlive it.
class CachedUNet {
 public:
  // REQUIRES: interval >= 1.
  CachedUNet(UNet& unet, std::int64_t interval) : unet_(unet), interval_(interval) {}

  // As UNet's.
  Tensor operator()(const Tensor& x, std::span<const float> timesteps, const TextContext& text);

 private:
  bool has_deep_features_of(const Tensor& x) const;

  UNet& unet_;
  const std::int64_t interval_;
  Tensor deep_;            // of the last full run
  std::int64_t uses_ = 0;  // of deep_, the full run counted
};

}  // namespace safelight

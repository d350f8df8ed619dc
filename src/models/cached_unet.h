// A UNet whose deep features serve several steps (Ma, Fang & Wang 2023, "DeepCache: Accelerating Diffusion Models for
// Free", section 3.3, uniform 1:N).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

  // As UNet's, of as many images as there are texts in all. The UNet runs once for each part of the texts: several
  // parts take less memory at a time, and more time.
  Tensor operator()(const Tensor& x, std::span<const float> timesteps, std::span<const TextContext> texts);

 private:
  Tensor run_part(std::size_t part, const Tensor& x, std::span<const float> timesteps, const TextContext& text);

  UNet& unet_;
  const std::int64_t interval_;
  Shape shape_;               // of x in the last full run
  std::vector<Tensor> deep_;  // of each part then
  std::int64_t uses_ = 0;     // of deep_, the full run counted
};

}  // namespace safelight

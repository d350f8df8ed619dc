// Classifier-free guidance (Ho & Salimans 2022): away from the negative prompt, towards the prompt.
#pragma once

#include <functional>
#include <limits>
#include <span>

#include "safelight/tensor.h"

namespace safelight {

// The denoising network with the texts that it follows: x F32 [n, h, w, c], n timesteps -> the noise in x.
using Network = std::function<Tensor(const Tensor& x, std::span<const float> timesteps)>;

// The part of the noise in which a picture is guided: timesteps from `lowest` to `highest`, both included (Kynkäänniemi
// et al. 2024, "Applying guidance in a limited interval improves sample and distribution quality in diffusion models").
struct GuidedRange {
  float lowest = 0, highest = std::numeric_limits<float>::max();

  bool has(float timestep) const noexcept { return lowest <= timestep && timestep <= highest; }
};

// noise = u + scale * (c - u), where c sees the prompt and u the negative prompt. Both are computed as one batch of 2n
// images, u first. Outside the range, and with a scale of 1, it is c alone, computed on n images.
class Guidance {
 public:
  // `pair` is asked about 2n images, of which the first n follow the negative prompt and the others the prompt;
  // `prompt` about n that follow the prompt. One that is never asked may be empty. Throws Error(usage) if the scale is
  // not finite.
  Guidance(Network pair, Network prompt, float scale, GuidedRange range = {});

  // The guided noise in x, F32 [n, h, w, c] in the network's variance-preserving form, at one timestep for all. Throws
  // Error(model) if a network answers with another number of values.
  Tensor operator()(const Tensor& x, float timestep) const;

 private:
  Tensor guided(const Tensor& x, float timestep) const;

  Network pair_, prompt_;
  float scale_;
  GuidedRange range_;
};

}  // namespace safelight

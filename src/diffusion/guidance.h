// Classifier-free guidance (Ho & Salimans 2022): away from what is not wanted, towards what is.
#pragma once

#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "safelight/tensor.h"

namespace safelight {

// The denoising network with what it follows: x F32 [n, h, w, c], n timesteps -> the noise in x.
using Network = std::function<Tensor(const Tensor& x, std::span<const float> timesteps)>;

// The part of the noise in which a picture is guided: timesteps from `lowest` to `highest`, both included (Kynkäänniemi
// et al. 2024, "Applying guidance in a limited interval improves sample and distribution quality in diffusion models").
struct GuidedRange {
  float lowest = 0, highest = std::numeric_limits<float>::max();

  bool has(float timestep) const noexcept { return lowest <= timestep && timestep <= highest; }
};

// With answers a_0, a_1, ... of a network that is told ever more of what is wanted,
//
//   noise = a_0 + scale_1 (a_1 - a_0) + scale_2 (a_2 - a_1) + ...
//
// With one scale, a_0 follows the negative prompt and a_1 the prompt. With two, a_1 sees the picture to edit besides
// the negative prompt, and a_2 the picture and the prompt (Brooks et al. 2023, "InstructPix2Pix", equation 3). All are
// computed as one batch, the images of a_0 first. Outside the range, and where all scales are 1, the noise is the last
// answer, computed alone.
class Guidance {
 public:
  // `all` is asked about scales.size() + 1 times n images; `last` about n that are told all there is to tell. One that
  // is never asked may be empty. Throws Error(usage) if a scale is not finite. REQUIRES: one scale or more.
  Guidance(Network all, Network last, std::vector<float> scales, GuidedRange range = {});

  // The guided noise in x, F32 [n, h, w, c] in the network's variance-preserving form, at one timestep for all. Throws
  // Error(model) if a network answers with another number of values.
  Tensor operator()(const Tensor& x, float timestep) const;

 private:
  Tensor guided(const Tensor& x, float timestep) const;

  Network all_, last_;
  std::vector<float> scales_;
  bool guides_;
  GuidedRange range_;
};

}  // namespace safelight

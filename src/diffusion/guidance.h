// Classifier-free guidance (Ho & Salimans 2022): away from the negative prompt, towards the prompt.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "safelight/tensor.h"

namespace safelight {

// The denoising network: x F32 [n, h, w, c], n timesteps, context F32 [n, tokens, width] -> the noise in x. A UNet is
// one.
using Network = std::function<Tensor(const Tensor& x, std::span<const float> timesteps, const Tensor& context)>;

// Whether a guided network sees both texts at once, which is faster, or one after the other, which takes half the
// memory. The results differ by rounding.
enum class Passes { together, in_turn };

// noise = u + scale * (c - u), where c sees the prompt and u the negative prompt. Both are computed as one batch of 2n
// images, u first, or in turn. A scale of 1 leaves c alone, and the network then runs on n images.
class Guidance {
 public:
  // prompt, negative: F32 [n, tokens, width], one context per image. Throws Error(model) if their shapes differ (unless
  // the scale is 1, when `negative` may be empty), Error(usage) if the scale is not finite.
  Guidance(Network network, const Tensor& prompt, const Tensor& negative, float scale,
           Passes passes = Passes::together);

  // The guided noise in x, F32 [n, h, w, c] in the network's variance-preserving form, at one timestep for all. Throws
  // Error(model) if x has not n images.
  Tensor operator()(const Tensor& x, float timestep) const;

 private:
  Tensor guided(const Tensor& x, std::span<const float> u, std::span<const float> c) const;

  Network network_;
  std::vector<Tensor> contexts_;  // one for each pass: negative and prompt in one, or each, or the prompt alone
  std::int64_t images_;
  float scale_;
};

}  // namespace safelight

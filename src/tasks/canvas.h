// Pictures and masks as the networks take them: in sizes that they can be divided by, and in latent pixels.
#pragma once

#include "safelight/generate.h"
#include "safelight/mask.h"
#include "safelight/picture.h"

namespace safelight {

struct CanvasSize {
  std::int64_t width = 0, height = 0;
};

// The size that options ask for, or where they leave it open, that of the picture cut to a multiple.
CanvasSize size_for(const GenerateOptions& options, const Picture& picture, std::int64_t multiple);

// With its last columns and rows repeated, up to sides that are multiples.
Picture padded(const Picture& picture, std::int64_t multiple);
Mask padded(const Mask& mask, std::int64_t multiple);

// F32 [1, h, w, 1], a value for each latent pixel: the mean of its factor x factor pixels, in [0, 1].
Tensor mean_mask(const Mask& mask, std::int64_t factor);

// 1 where the first of its pixels is masked by a half or more, else 0: what inpainting models are given by diffusers.
Tensor hard_mask(const Mask& mask, std::int64_t factor);

// F32 [1, h, w, 3] in [-1, 1], with 0 (grey) where the mask is a half or more.
Tensor without_masked(const Picture& picture, const Mask& mask);

// A mask that fades out towards its own border instead of ending there: 0 where `mask` is 0, and the farther inside, up
// to some 2 * radius pixels, the more of it. What is thinner than that keeps its middle.
Mask faded_inwards(const Mask& mask, double radius);

// Tones of a picture that was painted around what is known, made to meet it: the difference between `original` (of
// known's size) and what was painted there in its place, on the mean around each pixel of the border of `known`, is
// added to what lies outside, the less the farther, over `reach` pixels; and what that pixel's own difference is
// besides, over 8 at most. So there is no more of a step across the border than the painted picture has there itself.
struct Region;
void meet_seam(Picture& painted, const Picture& original, const Region& known, std::int64_t reach);

}  // namespace safelight

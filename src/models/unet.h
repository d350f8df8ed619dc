// The denoising UNet of latent diffusion (Rombach et al. 2022), in the layout of the public ldm checkpoints.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "models/loader.h"

namespace safelight {

class UNet {
 public:
  // `w` is the place that holds time_embed, input_blocks, middle_block, output_blocks and out. Levels, widths, where
  // attention sits and how deep, all come from the names and shapes. The place's precision is that of its linear
  // layers.
  explicit UNet(const Loader& w);
  ~UNet();
  UNet(UNet&&) noexcept;
  UNet& operator=(UNet&&) noexcept;

  // x: F32 [n, h, w, in_channels()], any h and w; timesteps: n of them, in [0, 1000), fractions allowed; context: F32
  // [n, tokens, context_width()] -> F32 [n, h, w, out_channels()]: what the model was trained to predict (SD 1.x: the
  // noise). Error(model) on other shapes, Error(cancelled) once the backend's token is set.
  Tensor operator()(const Tensor& x, std::span<const float> timesteps, const Tensor& context);

  std::int64_t in_channels() const noexcept;
  std::int64_t out_channels() const noexcept;
  std::int64_t context_width() const noexcept;

 private:
  struct Layers;
  std::unique_ptr<Layers> layers_;
};

}  // namespace safelight

// The denoising UNet of latent diffusion (Rombach et al. 2022), in the layout of the public ldm checkpoints.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "models/loader.h"
#include "models/text_context.h"

namespace safelight {

class UNet {
 public:
  // `w` is the place that holds time_embed, input_blocks, middle_block, output_blocks and out, and label_emb if there
  // is one. Levels, widths, where attention sits, how deep and with how many heads, all come from the names and shapes.
  // The place's precision is that of its layers, but for those that see the time.
  explicit UNet(const Loader& w);
  ~UNet();
  UNet(UNet&&) noexcept;
  UNet& operator=(UNet&&) noexcept;

  // What the layers see of the texts of n images, to be made once per prompt. context: F32 [m, tokens,
  // context_width()]; rows: which of them each image follows, or kBlankText, or empty where image i follows text i;
  // vector: F32 [n, vector_width()], which is added to the time embedding once a small network has read it (Podell et
  // al. 2023, "SDXL", section 2.2), or empty for a UNet that takes none. Error(model) on other shapes. It belongs to
  // this UNet and must not outlive the backend.
  TextContext prepare(const Tensor& context, const Tensor& vector = {}, std::span<const std::int64_t> rows = {});

  // x: F32 [n, h, w, in_channels()], any h and w; timesteps: n of them, in [0, 1000), fractions allowed; text: of n ->
  // F32 [n, h, w, out_channels()]: what the model was trained to predict (see Prediction). Error(model) on other
  // shapes, Error(cancelled) once the backend's token is set. If `deep` is given, *deep becomes what shallow() takes.
  Tensor operator()(const Tensor& x, std::span<const float> timesteps, const TextContext& text, Tensor* deep = nullptr);

  // The same from the outermost skip connection alone: conv_in, the last output block and out run anew. In place of all
  // that lies below them stands `deep`, of a full run on the same pictures with a little more noise, where it was
  // nearly the same (Ma, Fang & Wang 2023, "DeepCache: Accelerating Diffusion Models for Free").
  Tensor shallow(const Tensor& x, std::span<const float> timesteps, const TextContext& text, const Tensor& deep);

  std::int64_t in_channels() const noexcept;
  std::int64_t out_channels() const noexcept;
  std::int64_t context_width() const noexcept;
  std::int64_t vector_width() const noexcept;  // 0: it takes none

 private:
  void expect_arguments(const Tensor& x, std::span<const float> timesteps, const TextContext& text) const;

  struct Layers;
  std::unique_ptr<Layers> layers_;
};

}  // namespace safelight

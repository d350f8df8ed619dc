// CLIP's text tower (Radford et al. 2021), as Stable Diffusion 1.x conditions on it: last layer, then the final layer
// norm.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "models/loader.h"

namespace safelight {

class ClipTextEncoder {
 public:
  // `w` is the place that holds embeddings, encoder and final_layer_norm. All sizes come from the shapes.
  explicit ClipTextEncoder(const Loader& w);
  ~ClipTextEncoder();
  ClipTextEncoder(ClipTextEncoder&&) noexcept;
  ClipTextEncoder& operator=(ClipTextEncoder&&) noexcept;

  // ids: `prompts` times positions() token ids, one prompt after the other -> F32 [prompts, positions(), width()].
  // Error(model) on another number of ids, or an id outside the vocabulary.
  Tensor operator()(std::span<const std::int32_t> ids, std::int64_t prompts);

  std::int64_t width() const noexcept;
  std::int64_t positions() const noexcept;  // 77

 private:
  struct Layers;
  std::unique_ptr<Layers> layers_;
};

}  // namespace safelight

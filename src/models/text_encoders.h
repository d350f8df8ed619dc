// The text encoders of a family, one or two, and what of them its UNet is conditioned on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/checkpoint.h"
#include "models/clip_text_encoder.h"
#include "models/family.h"

namespace safelight {

struct TextEmbeddings {
  Tensor context;  // F32 [prompts, positions, width]: of two encoders, the channels of one after the other's
  Tensor pooled;   // F32 [prompts, pooled width]; empty where the family has no use for it
};

// Stable Diffusion 1: the last layer of CLIP ViT-L/14, normed (Rombach et al. 2022). 2: the layer before the last of
// OpenCLIP ViT-H/14, normed. XL: the layers before the last of CLIP ViT-L/14 and OpenCLIP ViT-bigG/14, neither normed,
// and the latter's pooled features; its refiner: of the latter alone (Podell et al. 2023, section 2.1).
class TextEncoders {
 public:
  // `w` is the checkpoint: the encoders lie at cond_stage_model, or at conditioner.embedders.0 and .1, under
  // transformers' or OpenCLIP's names. Error(model) names what is missing or does not fit; a tower as wide as one that
  // was published must have as many blocks. `activations`: where they differ from those of the family's encoders.
  TextEncoders(const Loader& w, Family family, const TextActivations& activations = {});

  std::size_t count() const noexcept { return encoders_.size(); }

  // What encoder `index` saw after the ends of prompts in training: the end token (CLIP), or 0 (OpenCLIP).
  std::int32_t padding(std::size_t index) const { return encoders_.at(index).padding; }

  // ids[i]: what encoder i reads, `prompts` times positions() ids. Error(model) on another number of ids, or an id
  // outside a vocabulary.
  TextEmbeddings operator()(std::span<const std::vector<std::int32_t>> ids, std::int64_t prompts);

  // Ids of `prompts` prompts of nothing but token 0: as much work as any others.
  std::vector<std::vector<std::int32_t>> blank(std::int64_t prompts) const;

  std::int64_t width() const noexcept;                                                            // of the context
  std::int64_t pooled_width() const noexcept { return encoders_.back().network.pooled_width(); }  // 0: none
  std::int64_t positions() const noexcept { return encoders_.front().network.positions(); }       // 77

  ClipTextEncoder& operator[](std::size_t index) { return encoders_.at(index).network; }

 private:
  struct Encoder {
    ClipTextEncoder network;
    std::int32_t padding;
  };

  Backend& backend_;
  std::vector<Encoder> encoders_;
};

}  // namespace safelight

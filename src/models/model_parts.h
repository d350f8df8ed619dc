// Which tensors of a file are a UNet, a VAE, a text encoder, whichever program wrote it, and what we call them.
//
// Our names are those of the single files of ldm: model.diffusion_model. for the UNet, first_stage_model. for the VAE,
// cond_stage_model. (SD 1.x, 2.x) or conditioner.embedders.0. and .1. (XL) for text encoders. Below the last, the names
// say which library's encoder it is: transformer.text_model. for transformers', model. for OpenCLIP's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "safelight/sharded.h"

namespace safelight {

// How the names of each part begin.
constexpr std::string_view kUnetPlace = "model.diffusion_model.", kVaePlace = "first_stage_model.",
                           kTextPlace = "cond_stage_model.", kFirstTextPlace = "conditioner.embedders.0.",
                           kSecondTextPlace = "conditioner.embedders.1.";

enum class PartKind { unet, vae, text_encoder };

struct PartTensor {
  ShardedTensors::Entry source;
  std::string name;  // ours, below the part's place
};

struct ModelPart {
  PartKind kind = PartKind::unet;
  std::string place;  // of the above; empty if it is a text encoder and the file does not say which
  int order = -1;     // of such an encoder, if the file says at least that: 0 for a model's first, 1 for its second
  std::vector<PartTensor> tensors{};
};

struct ModelParts {
  std::vector<ModelPart> parts;             // at most one UNet and one VAE
  std::vector<ShardedTensors::Entry> rest;  // what is in none of them
};

ModelParts parts_of(const ShardedTensors& files);

// Of a text encoder: the width of its embeddings, 0 if that is not to be found, and whether it has a projection.
std::uint64_t text_width(const ModelPart& part);
bool has_text_projection(const ModelPart& part);

}  // namespace safelight

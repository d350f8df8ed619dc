// A UNet that was found, and the tensors that tell what it is.
#pragma once

#include <string>
#include <string_view>

#include "models/recognisers.h"

namespace safelight {

// How a UNet's tensors are called, and where the other parts of its checkpoint are: text encoders of families with one,
// then the two of SD XL (the refiner has only one of them).
struct UNetNaming {
  std::string_view first_conv, label, out_attention_bias, lcm, blocks;
  std::string_view text_encoder, first_of_two, second_of_two, refiners, vae_decoder, vae_encoder;
};

// Where it is.
struct UNetPlace {
  std::string_view prefix;
  const UNetNaming& naming;
};

// A UNet and the tensors that tell what it is.
struct UNetClues {
  const Clues& clues;
  UNetPlace place;
  const TensorInfo* first_conv;
  const TensorInfo* label = find(place.naming.label);
  const TensorInfo* to_k = clues.names.between(place.prefix, ".transformer_blocks.0.attn2.to_k.weight");
  const TensorInfo* proj_in = clues.names.between(place.prefix, ".proj_in.weight");

  const TensorInfo* find(std::string_view name) const {
    return clues.names.exact(std::string(place.prefix) + std::string(name));
  }
  const TensorInfo* has(std::string_view name) const { return clues.names.exact(name); }
  const TensorInfo* below(std::string_view prefix) const { return clues.names.below(prefix); }
  std::string describe(const TensorInfo& tensor) const { return clues.describe(tensor); }
  std::uint64_t inputs() const { return dimension(first_conv, 1); }
  std::uint64_t text() const { return dimension(to_k, 1); }
};

struct FoundPrediction {
  Prediction prediction = Prediction::noise;
  bool zero_terminal_snr = false;
  std::string evidence{};
};

// By tensors that are there to tell it, by metadata, by what is said beside the file, by values; noise if nothing
// tells.
FoundPrediction find_prediction(const UNetClues& unet, Family family);

}  // namespace safelight

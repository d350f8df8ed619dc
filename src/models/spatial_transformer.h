// Attention over the pixels of a feature map and over the text (Rombach et al. 2022, section 3.3).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/followed_texts.h"
#include "models/loader.h"
#include "models/text_context.h"

namespace safelight {

struct TransformerSizes {
  std::int64_t channels = 0, context = 0;  // widths of the feature map and of the text
  int heads = 1;
};

// Queries from the pixels, keys and values from `context` (the pixels themselves, or the text).
class CrossAttention {
 public:
  CrossAttention(const Loader& w, const TransformerSizes& sizes);
  KeysAndValues read(const Tensor& context);
  Tensor operator()(const Tensor& x, const KeysAndValues& context, const Tensor& residual);

 private:
  Backend& backend_;
  const AttentionSpec attention_;
  std::unique_ptr<Linear> to_q_, to_k_, to_v_, to_out_;
};

// Linear, gated GELU, linear.
class FeedForward {
 public:
  FeedForward(const Loader& w, std::int64_t channels);
  Tensor operator()(const Tensor& x, const Tensor& residual);

 private:
  std::unique_ptr<Linear> net_0_proj_, net_2_;
};

class BasicTransformerBlock {
 public:
  BasicTransformerBlock(const Loader& w, const TransformerSizes& sizes);
  void read(const FollowedTexts& texts, TextContext& text);
  Tensor operator()(const Tensor& x, const TextContext& text);

 private:
  std::unique_ptr<LayerNorm> norm1_;
  CrossAttention attn1_;
  std::unique_ptr<LayerNorm> norm2_;
  CrossAttention attn2_;
  std::unique_ptr<LayerNorm> norm3_;
  FeedForward ff_;
};

class SpatialTransformer {
 public:
  SpatialTransformer(const Loader& w, const TransformerSizes& sizes);

  // Adds to `text` what its layers see of the texts. Once per prompt.
  void read(const FollowedTexts& texts, TextContext& text);

  // x: F32 [n, h, w, channels]; text: of n -> the shape of x.
  Tensor operator()(const Tensor& x, const TextContext& text);

 private:
  std::unique_ptr<GroupNorm> norm_;
  std::unique_ptr<Linear> proj_in_;
  std::vector<BasicTransformerBlock> transformer_blocks_;
  std::unique_ptr<Linear> proj_out_;
};

}  // namespace safelight

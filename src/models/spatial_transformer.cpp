#include "models/spatial_transformer.h"

namespace safelight {

CrossAttention::CrossAttention(const Loader& w, const TransformerSizes& sizes)
    : backend_(w.backend()),
      attention_{.heads = sizes.heads, .precision = w.precision()},
      to_q_((w / "to_q").linear({.in = sizes.channels, .out = sizes.channels}, Bias::none)),
      to_k_((w / "to_k").linear({.in = sizes.context, .out = sizes.channels}, Bias::none)),
      to_v_((w / "to_v").linear({.in = sizes.context, .out = sizes.channels}, Bias::none)),
      to_out_((w / "to_out.0").linear({.in = sizes.channels, .out = sizes.channels})) {}

KeysAndValues CrossAttention::read(const Tensor& context) {
  return {.keys = (*to_k_)(context), .values = (*to_v_)(context)};
}

Tensor CrossAttention::operator()(const Tensor& x, const KeysAndValues& context, const Tensor& residual) {
  const Tensor mixed = backend_.attention((*to_q_)(x), context.keys, context.values, attention_);
  return (*to_out_)(mixed, {.residual = &residual});
}

FeedForward::FeedForward(const Loader& w, std::int64_t channels)
    : net_0_proj_((w / "net.0.proj").linear({.in = channels, .out = w.dim("net.0.proj.weight", 0), .geglu = true})),
      net_2_((w / "net.2").linear({.in = net_0_proj_->spec().out / 2, .out = channels})) {}

Tensor FeedForward::operator()(const Tensor& x, const Tensor& residual) {
  return (*net_2_)((*net_0_proj_)(x), {.residual = &residual});
}

BasicTransformerBlock::BasicTransformerBlock(const Loader& w, const TransformerSizes& sizes)
    : norm1_((w / "norm1").layer_norm({.channels = sizes.channels})),
      attn1_(w / "attn1", {.channels = sizes.channels, .context = sizes.channels, .heads = sizes.heads}),
      norm2_((w / "norm2").layer_norm({.channels = sizes.channels})),
      attn2_(w / "attn2", sizes),
      norm3_((w / "norm3").layer_norm({.channels = sizes.channels})),
      ff_(w / "ff", sizes.channels) {}

void BasicTransformerBlock::read(const FollowedTexts& texts, TextContext& text) {
  const KeysAndValues known = attn2_.read(texts.context());
  text.add(attn2_, {.keys = texts.of_images(known.keys), .values = texts.of_images(known.values)});
}

Tensor BasicTransformerBlock::operator()(const Tensor& x, const TextContext& text) {
  Tensor normed = (*norm1_)(x);
  Tensor h = attn1_(normed, attn1_.read(normed), x);
  normed = (*norm2_)(h);
  h = attn2_(normed, text[attn2_], h);
  normed = (*norm3_)(h);
  return ff_(normed, h);
}

SpatialTransformer::SpatialTransformer(const Loader& w, const TransformerSizes& sizes)
    : norm_((w / "norm").group_norm({.channels = sizes.channels, .epsilon = 1e-6f})),
      proj_in_((w / "proj_in").linear({.in = sizes.channels, .out = sizes.channels})),
      proj_out_((w / "proj_out").linear({.in = sizes.channels, .out = sizes.channels})) {
  const Loader blocks = w / "transformer_blocks";
  for (std::int64_t i = 0; i < blocks.count(); ++i) transformer_blocks_.emplace_back(blocks / i, sizes);
}

void SpatialTransformer::read(const FollowedTexts& texts, TextContext& text) {
  for (BasicTransformerBlock& block : transformer_blocks_) block.read(texts, text);
}

Tensor SpatialTransformer::operator()(const Tensor& x, const TextContext& text) {
  const Shape tokens{x.dim(0), x.dim(1) * x.dim(2), x.dim(3)};  // a feature map is its token matrix
  Tensor h = (*proj_in_)((*norm_)(x)).reshaped(tokens);
  for (BasicTransformerBlock& block : transformer_blocks_) h = block(h, text);
  return (*proj_out_)(h.reshaped(x.shape()), {.residual = &x});
}

}  // namespace safelight

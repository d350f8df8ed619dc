#include "models/vae_blocks.h"

namespace safelight {

ResnetBlock::ResnetBlock(const Loader& w, std::int64_t in) : ResnetBlock(w, in, w.dim("conv1.weight", 0)) {}

ResnetBlock::ResnetBlock(const Loader& w, std::int64_t in, std::int64_t out)
    : norm1_((w / "norm1").group_norm({.channels = in, .epsilon = kVaeEpsilon, .activation = Activation::silu})),
      conv1_((w / "conv1").conv2d({.in = in, .out = out})),
      norm2_((w / "norm2").group_norm({.channels = out, .epsilon = kVaeEpsilon, .activation = Activation::silu})),
      conv2_((w / "conv2").conv2d({.in = out, .out = out})),
      nin_shortcut_(in == out ? nullptr : (w / "nin_shortcut").linear({.in = in, .out = out})) {}

// Each step replaces the one before, and a wide x goes as soon as its narrower shortcut is
// there: at 512x512 a map of the decoder is 128 to 256 MiB.
Tensor ResnetBlock::operator()(Tensor x) {
  const Tensor shortcut = nin_shortcut_ ? (*nin_shortcut_)(x) : x;
  Tensor h = (*conv1_)(Normed{*norm1_, std::move(x)});
  return (*conv2_)(Normed{*norm2_, std::move(h)}, {.residual = &shortcut});
}

AttnBlock::AttnBlock(const Loader& w, std::int64_t channels)
    : backend_(w.backend()),
      attention_{.heads = 1, .precision = w.precision()},
      norm_((w / "norm").group_norm({.channels = channels, .epsilon = kVaeEpsilon})),
      q_((w / "q").linear({.in = channels, .out = channels})),
      k_((w / "k").linear({.in = channels, .out = channels})),
      v_((w / "v").linear({.in = channels, .out = channels})),
      proj_out_((w / "proj_out").linear({.in = channels, .out = channels})) {}

Tensor AttnBlock::operator()(const Tensor& x) {
  const Tensor h = (*norm_)(x).reshaped({x.dim(0), x.dim(1) * x.dim(2), x.dim(3)});
  const Tensor mixed = backend_.attention((*q_)(h), (*k_)(h), (*v_)(h), attention_);
  return (*proj_out_)(mixed.reshaped(x.shape()), {.residual = &x});
}

MidBlock::MidBlock(const Loader& w, std::int64_t in)
    : block_1_(w / "block_1", in), attn_1_(w / "attn_1", block_1_.out()), block_2_(w / "block_2", block_1_.out()) {}

std::vector<ResnetBlock> resnet_blocks(const Loader& w, std::int64_t in) {
  std::vector<ResnetBlock> blocks;
  const Loader place = w / "block";
  for (std::int64_t i = 0; i < place.count(); ++i)
    blocks.emplace_back(place / i, blocks.empty() ? in : blocks.back().out());
  return blocks;
}

std::int64_t count_levels(const Loader& w) {
  constexpr std::int64_t kMost = 16;
  const std::int64_t levels = w.count();
  if (levels > kMost)
    (w / (levels - 1)).reject("block.0.conv1.weight", "would be of a level beyond the 16 that are supported");
  return levels;
}

}  // namespace safelight

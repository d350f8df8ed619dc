// What the VAE's encoder and decoder are both made of.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/loader.h"

namespace safelight {

constexpr float kVaeEpsilon = 1e-6f;  // of all its group norms

class ResnetBlock {
 public:
  ResnetBlock(const Loader& w, std::int64_t in);
  Tensor operator()(Tensor x);

  std::int64_t out() const noexcept { return conv2_->spec().out; }

 private:
  ResnetBlock(const Loader& w, std::int64_t in, std::int64_t out);

  std::unique_ptr<GroupNorm> norm1_;
  std::unique_ptr<Conv2d> conv1_;
  std::unique_ptr<GroupNorm> norm2_;
  std::unique_ptr<Conv2d> conv2_;
  std::unique_ptr<Linear> nin_shortcut_;
};

// Attention of every pixel to every other, one head.
class AttnBlock {
 public:
  AttnBlock(const Loader& w, std::int64_t channels);
  Tensor operator()(const Tensor& x);

 private:
  Backend& backend_;
  const AttentionSpec attention_;
  std::unique_ptr<GroupNorm> norm_;
  std::unique_ptr<Linear> q_, k_, v_, proj_out_;
};

class MidBlock {
 public:
  MidBlock(const Loader& w, std::int64_t in);
  Tensor operator()(Tensor x) { return block_2_(attn_1_(block_1_(std::move(x)))); }

  std::int64_t out() const noexcept { return block_2_.out(); }

 private:
  ResnetBlock block_1_;
  AttnBlock attn_1_;
  ResnetBlock block_2_;
};

// The residual blocks of one level: w / "block.0" and on. There is at least one.
std::vector<ResnetBlock> resnet_blocks(const Loader& w, std::int64_t in);

// How many levels `w` holds, w / 0 and on: at least one, at most 16 (pictures of 32768 pixels per latent pixel), so
// that 2^(levels-1) is a number. Error(model) if there are more.
std::int64_t count_levels(const Loader& w);

}  // namespace safelight

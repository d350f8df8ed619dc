#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/fail.h"
#include "models/vae.h"
#include "models/vae_blocks.h"

namespace safelight {
namespace {

class DownLevel {
 public:
  // Every level but the last ends by halving; its convolution is padded below and on the right only.
  DownLevel(const Loader& w, std::int64_t in, bool halves)
      : blocks_(resnet_blocks(w, in)),
        downsample_(
            halves ? (w / "downsample.conv").conv2d({.in = out(), .out = out(), .stride = 2, .padding = {0, 0, 1, 1}})
                   : nullptr) {}

  Tensor operator()(Tensor h) {
    for (ResnetBlock& block : blocks_) h = block(std::move(h));
    return downsample_ ? (*downsample_)(h) : h;
  }

  std::int64_t out() const noexcept { return blocks_.back().out(); }

 private:
  std::vector<ResnetBlock> blocks_;
  std::unique_ptr<Conv2d> downsample_;
};

// Channels [first, first + count) of every pixel, clamped to [low, high].
Tensor channels(const Tensor& x, std::int64_t first, std::int64_t count, float low, float high, Backend& backend) {
  Shape shape = x.shape();
  const std::int64_t stride = shape.back();
  shape.back() = count;
  Tensor y = backend.empty(std::move(shape));
  backend.touch([&] {
    const float* from = x.floats().data() + first;
    const std::span<float> to = y.mutable_floats();
    for (std::size_t i = 0; i < to.size(); ++i) {
      const auto pixel = static_cast<std::int64_t>(i) / count, channel = static_cast<std::int64_t>(i) % count;
      to[i] = std::clamp(from[pixel * stride + channel], low, high);
    }
  });
  return y;
}

}  // namespace

struct VaeEncoder::Layers {
  explicit Layers(const Loader& w)
      : backend(w.backend()),
        conv_in((w / "encoder.conv_in").conv2d({.in = 3, .out = w.dim("encoder.conv_in.weight", 0)})),
        down(read_levels(w / "encoder.down", conv_in->spec().out)),
        mid(w / "encoder.mid", down.back().out()),
        norm_out((w / "encoder.norm_out")
                     .group_norm({.channels = mid.out(), .epsilon = kVaeEpsilon, .activation = Activation::silu})),
        conv_out((w / "encoder.conv_out").conv2d({.in = mid.out(), .out = w.dim("encoder.conv_out.weight", 0)})),
        quant_conv((w / "quant_conv").linear({.in = conv_out->spec().out, .out = w.dim("quant_conv.weight", 0)})) {
    if (quant_conv->spec().out % 2 != 0)
      w.reject("quant_conv.weight",
               fmt::format("has {} rows, expected as many for the mean as for the variance", quant_conv->spec().out));
  }

  static std::vector<DownLevel> read_levels(const Loader& w, std::int64_t in) {
    std::vector<DownLevel> levels;
    const std::int64_t count = count_levels(w);
    for (std::int64_t level = 0; level < count; ++level)
      levels.emplace_back(w / level, levels.empty() ? in : levels.back().out(), level + 1 < count);
    return levels;
  }

  Backend& backend;
  std::unique_ptr<Conv2d> conv_in;
  std::vector<DownLevel> down;
  MidBlock mid;
  std::unique_ptr<GroupNorm> norm_out;
  std::unique_ptr<Conv2d> conv_out;
  std::unique_ptr<Linear> quant_conv;
};

VaeEncoder::VaeEncoder(const Loader& w) : layers_(std::make_unique<Layers>(w)) {}
VaeEncoder::~VaeEncoder() = default;
VaeEncoder::VaeEncoder(VaeEncoder&&) noexcept = default;
VaeEncoder& VaeEncoder::operator=(VaeEncoder&&) noexcept = default;

Tensor VaeEncoder::moments(const Tensor& picture) {
  Layers& l = *layers_;
  if (picture.rank() != 4 || picture.dim(1) % factor() != 0 || picture.dim(2) % factor() != 0)
    fail(ErrorCategory::model, "[vae] the picture is {}, expected [n, height, width, 3] with sides divisible by {}",
         to_string(picture.shape()), factor());
  Tensor h = (*l.conv_in)(picture);
  for (DownLevel& level : l.down) h = level(std::move(h));
  h = l.mid(std::move(h));
  h = (*l.norm_out)(std::move(h));
  return (*l.quant_conv)((*l.conv_out)(h));
}

LatentDistribution VaeEncoder::distribution(const Tensor& moments) {
  constexpr float kAny = std::numeric_limits<float>::infinity();
  Backend& backend = layers_->backend;
  return {.mean = channels(moments, 0, latent_channels(), -kAny, kAny, backend),
          .log_variance = channels(moments, latent_channels(), latent_channels(), -30.0f, 20.0f, backend)};
}

LatentDistribution VaeEncoder::operator()(const Tensor& picture) { return distribution(moments(picture)); }

std::int64_t VaeEncoder::latent_channels() const noexcept { return layers_->quant_conv->spec().out / 2; }
std::int64_t VaeEncoder::factor() const noexcept { return std::int64_t{1} << (layers_->down.size() - 1); }

}  // namespace safelight

#include <optional>
#include <vector>

#include "models/upsample.h"
#include "models/vae.h"
#include "models/vae_blocks.h"

namespace safelight {
namespace {

class UpLevel {
 public:
  // Every level but up.0, the last to run, ends with a doubling.
  UpLevel(const Loader& w, std::int64_t in, bool doubles) : blocks_(resnet_blocks(w, in)) {
    if (doubles) upsample_.emplace(w / "upsample", out());
  }

  Tensor operator()(Tensor h) {
    for (ResnetBlock& block : blocks_) h = block(std::move(h));
    return upsample_ ? (*upsample_)(h) : h;
  }

  std::int64_t out() const noexcept { return blocks_.back().out(); }

 private:
  std::vector<ResnetBlock> blocks_;
  std::optional<Upsample> upsample_;
};

}  // namespace

struct VaeDecoder::Layers {
  explicit Layers(const Loader& w)
      : post_quant_conv(
            (w / "post_quant_conv")
                .linear({.in = w.dim("post_quant_conv.weight", 1), .out = w.dim("decoder.conv_in.weight", 1)})),
        conv_in((w / "decoder.conv_in")
                    .conv2d({.in = post_quant_conv->spec().out, .out = w.dim("decoder.conv_in.weight", 0)})),
        mid(w / "decoder.mid", conv_in->spec().out) {
    const Loader levels = w / "decoder.up";
    std::int64_t level = count_levels(levels);
    for (std::int64_t channels = mid.out(); level-- > 0; channels = up.back().out())
      up.emplace_back(levels / level, channels, level > 0);
    const std::int64_t last = up.back().out();
    norm_out =
        (w / "decoder.norm_out").group_norm({.channels = last, .epsilon = kVaeEpsilon, .activation = Activation::silu});
    conv_out = (w / "decoder.conv_out").conv2d({.in = last, .out = 3});
  }

  std::unique_ptr<Linear> post_quant_conv;
  std::unique_ptr<Conv2d> conv_in;
  MidBlock mid;
  std::vector<UpLevel> up;  // in the order in which they run
  std::unique_ptr<GroupNorm> norm_out;
  std::unique_ptr<Conv2d> conv_out;
};

VaeDecoder::VaeDecoder(const Loader& w) : layers_(std::make_unique<Layers>(w)) {}
VaeDecoder::~VaeDecoder() = default;
VaeDecoder::VaeDecoder(VaeDecoder&&) noexcept = default;
VaeDecoder& VaeDecoder::operator=(VaeDecoder&&) noexcept = default;

Tensor VaeDecoder::operator()(const Tensor& z) {
  Layers& l = *layers_;
  Tensor h = (*l.conv_in)((*l.post_quant_conv)(z));
  h = l.mid(std::move(h));
  for (UpLevel& level : l.up) h = level(std::move(h));
  h = (*l.norm_out)(std::move(h));
  return (*l.conv_out)(h);
}

std::int64_t VaeDecoder::latent_channels() const noexcept { return layers_->post_quant_conv->spec().in; }
std::int64_t VaeDecoder::factor() const noexcept { return std::int64_t{1} << (layers_->up.size() - 1); }

}  // namespace safelight

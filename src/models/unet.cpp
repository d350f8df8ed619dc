#include "models/unet.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "models/spatial_transformer.h"
#include "models/timestep_embedding.h"
#include "models/upsample.h"
#include "ops/check.h"

namespace safelight {
namespace {

constexpr int kHeads = 8;                // at every width of SD 1.x (40, 80 and 160 channels each)
constexpr std::int64_t kHeadWidth = 64;  // in SD 2 and after it

// What the blocks are made for: the same in the whole network. The first layer that attends to the text tells how wide
// that is.
struct Widths {
  std::int64_t embedding = 0, context = 0;
};

class ResBlock {
 public:
  ResBlock(const Loader& w, std::int64_t in, std::int64_t embedding)
      : ResBlock(w, in, w.dim("in_layers.2.weight", 0), embedding) {}

  // embedding: F32 [n, embedding width], after its SiLU.
  Tensor operator()(const Joined& x, const Tensor& embedding) {
    const Tensor shift = (*emb_layers_1_)(embedding);
    Tensor h = (*in_layers_2_)(Normed{*in_layers_0_, x}, {.per_image = &shift});
    const Tensor shortcut = skip_connection_ ? (*skip_connection_)(x) : backend_.whole(x);
    return (*out_layers_3_)(Normed{*out_layers_0_, std::move(h)}, {.residual = &shortcut});
  }

  std::int64_t out() const noexcept { return out_layers_3_->spec().out; }

 private:
  ResBlock(const Loader& w, std::int64_t in, std::int64_t out, std::int64_t embedding)
      : backend_(w.backend()),
        in_layers_0_((w / "in_layers.0").group_norm({.channels = in, .activation = Activation::silu})),
        in_layers_2_((w / "in_layers.2").conv2d({.in = in, .out = out})),
        emb_layers_1_((w.with(Precision::full) / "emb_layers.1").linear({.in = embedding, .out = out})),
        out_layers_0_((w / "out_layers.0").group_norm({.channels = out, .activation = Activation::silu})),
        out_layers_3_((w / "out_layers.3").conv2d({.in = out, .out = out})),
        skip_connection_(in == out ? nullptr : (w / "skip_connection").linear({.in = in, .out = out})) {}

  Backend& backend_;
  std::unique_ptr<GroupNorm> in_layers_0_;
  std::unique_ptr<Conv2d> in_layers_2_;
  std::unique_ptr<Linear> emb_layers_1_;
  std::unique_ptr<GroupNorm> out_layers_0_;
  std::unique_ptr<Conv2d> out_layers_3_;
  std::unique_ptr<Linear> skip_connection_;
};

// Of the attention at the place `w`. SD 1 projects with 1x1 convolutions and divides every width by 8 heads; with SD 2
// both changed at once: linear layers, and heads of 64 channels.
TransformerSizes transformer_sizes(const Loader& w, std::int64_t channels, Widths& widths) {
  const bool convolves = w.rank("proj_in.weight") == 4;
  const std::int64_t heads = convolves ? kHeads : std::max<std::int64_t>(1, channels / kHeadWidth);
  if (channels % heads != 0)
    w.reject("proj_in.weight", fmt::format("has {} channels, expected a multiple of {} heads", channels, heads));
  if (widths.context == 0) widths.context = w.dim("transformer_blocks.0.attn2.to_k.weight", 1);
  return {.channels = channels, .context = widths.context, .heads = static_cast<int>(heads)};
}

// A step of the way down: a residual block, with attention where the checkpoint has it.
class InputBlock {
 public:
  InputBlock(const Loader& w, std::int64_t in, Widths& widths) : res_(w / 0, in, widths.embedding) {
    if (w.has(1)) attention_.emplace(w / 1, transformer_sizes(w / 1, out(), widths));
  }

  void read(const FollowedTexts& texts, TextContext& text) {
    if (attention_) attention_->read(texts, text);
  }

  Tensor operator()(const Tensor& x, const Tensor& embedding, const TextContext& text) {
    const Tensor h = res_(x, embedding);
    return attention_ ? (*attention_)(h, text) : h;
  }

  std::int64_t out() const noexcept { return res_.out(); }

 private:
  ResBlock res_;
  std::optional<SpatialTransformer> attention_;
};

// Between two levels: half the sides, an odd one rounded up.
class Downsample {
 public:
  Downsample(const Loader& w, std::int64_t channels)
      : op_((w / "op").conv2d({.in = channels, .out = channels, .stride = 2})) {}

  void read(const FollowedTexts&, TextContext&) {}
  Tensor operator()(const Tensor& x, const Tensor&, const TextContext&) { return (*op_)(x); }

  std::int64_t out() const noexcept { return op_->spec().out; }

 private:
  std::unique_ptr<Conv2d> op_;
};

// A residual block, attention and another residual block. Slimmer models of the SDXL family have the first alone
// (SSD-1B, Segmind Vega), or nothing here (KOALA-700M).
class MiddleBlock {
 public:
  MiddleBlock(const Loader& w, std::int64_t channels, Widths& widths) : out_(channels) {
    if (!w.has(0) && !w.has(1) && !w.has(2)) return;
    res_0_.emplace(w / 0, channels, widths.embedding);
    out_ = res_0_->out();
    if (!w.has(1) && !w.has(2)) return;
    attention_1_.emplace(w / 1, transformer_sizes(w / 1, out_, widths));
    res_2_.emplace(w / 2, out_, widths.embedding);
    out_ = res_2_->out();
  }

  void read(const FollowedTexts& texts, TextContext& text) {
    if (attention_1_) attention_1_->read(texts, text);
  }

  Tensor operator()(const Tensor& x, const Tensor& embedding, const TextContext& text) {
    Tensor h = res_0_ ? (*res_0_)(x, embedding) : x;
    if (attention_1_) h = (*attention_1_)(h, text);
    return res_2_ ? (*res_2_)(h, embedding) : h;
  }

  std::int64_t out() const noexcept { return out_; }

 private:
  std::int64_t out_;
  std::optional<ResBlock> res_0_;
  std::optional<SpatialTransformer> attention_1_;
  std::optional<ResBlock> res_2_;
};

// A step of the way up: a residual block over what comes from below and the skip connection, attention and a doubling
// where the checkpoint has them.
class OutputBlock {
 public:
  OutputBlock(const Loader& w, std::int64_t in, Widths& widths) : res_(w / 0, in, widths.embedding) {
    for (std::int64_t i = 1; w.has(i); ++i) {
      if ((w / i).has("conv"))
        upsample_.emplace(w / i, out());
      else
        attention_.emplace(w / i, transformer_sizes(w / i, out(), widths));
    }
  }

  void read(const FollowedTexts& texts, TextContext& text) {
    if (attention_) attention_->read(texts, text);
  }

  // `next_skip` is what the next block will be joined with: it says to which size to grow. Any for the last block.
  Tensor operator()(const Joined& x, const Tensor& embedding, const TextContext& text, const Tensor& next_skip) {
    Tensor h = res_(x, embedding);
    if (attention_) h = (*attention_)(h, text);
    return upsample_ ? (*upsample_)(h, next_skip.dim(1), next_skip.dim(2)) : h;
  }

  std::int64_t out() const noexcept { return res_.out(); }
  bool doubles() const noexcept { return upsample_.has_value(); }

 private:
  ResBlock res_;
  std::optional<SpatialTransformer> attention_;
  std::optional<Upsample> upsample_;
};

}  // namespace

struct UNet::Layers {
  explicit Layers(const Loader& w);

  // The timesteps' embedding, with the label's if there is one, after the SiLU that every ResBlock applies to it first.
  Tensor embed(std::span<const float> timesteps, const TextContext& text) {
    const Tensor code = timestep_embedding(timesteps, time_embed_0->spec().in, backend);
    const Tensor hidden = (*time_embed_0)(code, {.activation = Activation::silu});
    return (*time_embed_2)(hidden,
                           {.activation = Activation::silu, .per_image = label_emb_0_0 ? &text.label() : nullptr});
  }

  // The last output block, over what comes from below and conv_in's skip connection, and out.
  Tensor finish(const Tensor& below, const Tensor& skip, const Tensor& embedding, const TextContext& text) {
    const Tensor h = output_blocks.back()({below, skip}, embedding, text, skip);
    return (*out_2)((*out_0)(h));
  }

  Backend& backend;
  // The time embedding is always in full precision, here and in the ResBlocks: it has a row or two, so nothing is to be
  // gained, and every block depends on it.
  std::unique_ptr<Linear> time_embed_0, time_embed_2;
  std::unique_ptr<Linear> label_emb_0_0, label_emb_0_2;            // of SDXL and its refiner; else empty
  std::unique_ptr<Conv2d> conv_in;                                 // input_blocks.0
  std::vector<std::variant<InputBlock, Downsample>> input_blocks;  // input_blocks.1 and on
  std::unique_ptr<MiddleBlock> middle_block;
  std::vector<OutputBlock> output_blocks;
  std::unique_ptr<GroupNorm> out_0;
  std::unique_ptr<Conv2d> out_2;
  std::int64_t context_width = 0;

 private:
  // What a skip connection carries, and how often its sides were halved.
  struct Skip {
    std::int64_t channels;
    int level;
  };
  std::vector<Skip> read_way_down(const Loader& w, Widths& widths);
  void read_way_up(const Loader& w, Widths& widths, std::vector<Skip> skips);
};

UNet::Layers::Layers(const Loader& w)
    : backend(w.backend()),
      time_embed_0((w.with(Precision::full) / "time_embed.0")
                       .linear({.in = w.dim("time_embed.0.weight", 1), .out = w.dim("time_embed.0.weight", 0)})),
      time_embed_2((w.with(Precision::full) / "time_embed.2")
                       .linear({.in = time_embed_0->spec().out, .out = w.dim("time_embed.2.weight", 0)})) {
  if (time_embed_0->spec().in % 2 != 0)
    w.reject("time_embed.0.weight",
             fmt::format("takes {} values, expected as many cosines as sines", time_embed_0->spec().in));
  Widths widths{.embedding = time_embed_2->spec().out};
  if (w.has("label_emb")) {
    const Loader label = w.with(Precision::full) / "label_emb.0";
    label_emb_0_0 = (label / 0).linear({.in = label.dim("0.weight", 1), .out = label.dim("0.weight", 0)});
    label_emb_0_2 = (label / 2).linear({.in = label_emb_0_0->spec().out, .out = widths.embedding});
  }
  std::vector<Skip> skips = read_way_down(w / "input_blocks", widths);
  middle_block = std::make_unique<MiddleBlock>(w / "middle_block", skips.back().channels, widths);
  read_way_up(w / "output_blocks", widths, std::move(skips));
  context_width = widths.context;
  const std::int64_t last = output_blocks.back().out();
  out_0 = (w / "out.0").group_norm({.channels = last, .activation = Activation::silu});
  out_2 = (w / "out.2").conv2d({.in = last, .out = w.dim("out.2.weight", 0)});
}

std::vector<UNet::Layers::Skip> UNet::Layers::read_way_down(const Loader& w, Widths& widths) {
  conv_in = (w / "0.0").conv2d({.in = w.dim("0.0.weight", 1), .out = w.dim("0.0.weight", 0)});
  std::vector<Skip> skips{{.channels = conv_in->spec().out, .level = 0}};
  for (std::int64_t i = 1; i < w.count(); ++i) {
    const auto [channels, level] = skips.back();
    if ((w / i).has("0.op")) {
      const Downsample& down = std::get<Downsample>(input_blocks.emplace_back(Downsample(w / i / 0, channels)));
      skips.push_back({.channels = down.out(), .level = level + 1});
    } else {
      const InputBlock& block = std::get<InputBlock>(input_blocks.emplace_back(InputBlock(w / i, channels, widths)));
      skips.push_back({.channels = block.out(), .level = level});
    }
  }
  return skips;
}

void UNet::Layers::read_way_up(const Loader& w, Widths& widths, std::vector<Skip> skips) {
  std::int64_t channels = middle_block->out();
  for (int level = skips.back().level; !skips.empty(); skips.pop_back()) {
    const Loader place = w / std::ssize(output_blocks);
    if (skips.back().level != level)
      place.reject("0.in_layers.2.weight", fmt::format("would join a map halved {} times with one halved {} times: an "
                                                       "upsampling convolution before it is missing or too many",
                                                       level, skips.back().level));
    const OutputBlock& block = output_blocks.emplace_back(place, channels + skips.back().channels, widths);
    channels = block.out();
    if (block.doubles()) --level;
  }
  if (const std::int64_t made = std::ssize(output_blocks); w.has(made))
    (w / made).reject("0.in_layers.2.weight", fmt::format("is one block too many, expected {}", made));
  if (output_blocks.back().doubles())
    (w / (std::ssize(output_blocks) - 1))
        .reject("0.in_layers.2.weight", "is in the last block, expected no upsampling");
}

UNet::UNet(const Loader& w) : layers_(std::make_unique<Layers>(w)) {}
UNet::~UNet() = default;
UNet::UNet(UNet&&) noexcept = default;
UNet& UNet::operator=(UNet&&) noexcept = default;

void UNet::expect_arguments(const Tensor& x, std::span<const float> timesteps, const TextContext& text) const {
  expect_channels("unet", "x", x, in_channels(), 4);
  if (x.dim(0) != static_cast<std::int64_t>(timesteps.size()) || x.dim(0) != text.texts())
    fail(ErrorCategory::model, "[unet] {} images, {} timesteps, {} texts: expected the same number of each", x.dim(0),
         timesteps.size(), text.texts());
}

TextContext UNet::prepare(const Tensor& context, const Tensor& vector, std::span<const std::int64_t> rows) {
  expect_channels("unet", "context", context, context_width(), 3);
  const FollowedTexts texts(context, rows, layers_->backend);
  TextContext text(texts.images());
  if (vector_width() > 0) {
    expect_addend("unet", "vector", vector, {text.texts(), vector_width()});
    text.set_label((*layers_->label_emb_0_2)((*layers_->label_emb_0_0)(vector, {.activation = Activation::silu})));
  } else if (vector) {
    fail(ErrorCategory::model, "[unet] a vector {}, expected none: there is no label_emb", to_string(vector.shape()));
  }
  for (auto& input : layers_->input_blocks) std::visit([&](auto& block) { block.read(texts, text); }, input);
  layers_->middle_block->read(texts, text);
  for (OutputBlock& output : layers_->output_blocks) output.read(texts, text);
  return text;
}

Tensor UNet::operator()(const Tensor& x, std::span<const float> timesteps, const TextContext& text, Tensor* deep) {
  expect_arguments(x, timesteps, text);
  const Tensor embedding = layers_->embed(timesteps, text);
  std::vector<Tensor> skips{(*layers_->conv_in)(x)};
  for (auto& input : layers_->input_blocks)
    skips.push_back(std::visit([&](auto& block) { return block(skips.back(), embedding, text); }, input));
  Tensor h = (*layers_->middle_block)(skips.back(), embedding, text);
  for (auto output = layers_->output_blocks.begin(); output != layers_->output_blocks.end() - 1; ++output) {
    const Tensor skip = std::move(skips.back());
    skips.pop_back();
    h = (*output)({h, skip}, embedding, text, skips.back());
  }
  if (deep) *deep = h;
  return layers_->finish(h, skips.front(), embedding, text);
}

Tensor UNet::shallow(const Tensor& x, std::span<const float> timesteps, const TextContext& text, const Tensor& deep) {
  expect_arguments(x, timesteps, text);
  const Tensor embedding = layers_->embed(timesteps, text);
  return layers_->finish(deep, (*layers_->conv_in)(x), embedding, text);
}

std::int64_t UNet::in_channels() const noexcept { return layers_->conv_in->spec().in; }
std::int64_t UNet::out_channels() const noexcept { return layers_->out_2->spec().out; }
std::int64_t UNet::context_width() const noexcept { return layers_->context_width; }
std::int64_t UNet::vector_width() const noexcept {
  return layers_->label_emb_0_0 ? layers_->label_emb_0_0->spec().in : 0;
}

}  // namespace safelight

#include "models/clip_text_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/fail.h"

namespace safelight {
namespace {

constexpr std::int64_t kHeadWidth = 64;  // in every CLIP text tower; one head if the model is narrower than that

class SelfAttention {
 public:
  SelfAttention(const Loader& w, std::int64_t width, int heads)
      : backend_(w.backend()),
        heads_(heads),
        q_proj_((w / "q_proj").linear({.in = width, .out = width})),
        k_proj_((w / "k_proj").linear({.in = width, .out = width})),
        v_proj_((w / "v_proj").linear({.in = width, .out = width})),
        out_proj_((w / "out_proj").linear({.in = width, .out = width})) {}

  Tensor operator()(const Tensor& x, const Tensor& residual) {
    const Tensor mixed =
        backend_.attention((*q_proj_)(x), (*k_proj_)(x), (*v_proj_)(x), {.heads = heads_, .causal = true});
    return (*out_proj_)(mixed, {.residual = &residual});
  }

 private:
  Backend& backend_;
  const int heads_;
  std::unique_ptr<Linear> q_proj_, k_proj_, v_proj_, out_proj_;
};

class Mlp {
 public:
  Mlp(const Loader& w, std::int64_t width)
      : fc1_((w / "fc1").linear({.in = width, .out = w.dim("fc1.weight", 0)})),
        fc2_((w / "fc2").linear({.in = fc1_->spec().out, .out = width})) {}

  Tensor operator()(const Tensor& x, const Tensor& residual) {
    return (*fc2_)((*fc1_)(x, {.activation = Activation::quick_gelu}), {.residual = &residual});
  }

 private:
  std::unique_ptr<Linear> fc1_, fc2_;
};

class EncoderLayer {
 public:
  EncoderLayer(const Loader& w, std::int64_t width, int heads)
      : layer_norm1_((w / "layer_norm1").layer_norm({.channels = width})),
        self_attn_(w / "self_attn", width, heads),
        layer_norm2_((w / "layer_norm2").layer_norm({.channels = width})),
        mlp_(w / "mlp", width) {}

  Tensor operator()(const Tensor& x) {
    const Tensor attended = self_attn_((*layer_norm1_)(x), x);
    return mlp_((*layer_norm2_)(attended), attended);
  }

 private:
  std::unique_ptr<LayerNorm> layer_norm1_;
  SelfAttention self_attn_;
  std::unique_ptr<LayerNorm> layer_norm2_;
  Mlp mlp_;
};

}  // namespace

struct ClipTextEncoder::Layers {
  explicit Layers(const Loader& w)
      : backend(w.backend()),
        width(w.dim("embeddings.token_embedding.weight", 1)),
        positions(w.dim("embeddings.position_embedding.weight", 0)),
        token_embedding((w / "embeddings.token_embedding")
                            .embedding({.rows = w.dim("embeddings.token_embedding.weight", 0), .width = width})),
        position_embedding(to_f32(w.tensor("embeddings.position_embedding.weight", {positions, width}))),
        final_layer_norm((w / "final_layer_norm").layer_norm({.channels = width})) {
    const std::int64_t heads = std::max<std::int64_t>(1, width / kHeadWidth);
    if (width % heads != 0)
      w.reject("embeddings.token_embedding.weight",
               fmt::format("has width {}, expected a multiple of {} heads", width, heads));
    const Loader layers = w / "encoder.layers";
    for (std::int64_t i = 0; i < layers.count(); ++i)
      encoder_layers.emplace_back(layers / i, width, static_cast<int>(heads));
  }

  // Adds the row of its position to every token's embedding.
  void add_positions(Tensor& x) const {
    const std::span<const float> table = position_embedding.floats();
    const std::span<float> values = x.mutable_floats();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += table[i % table.size()];
  }

  Backend& backend;
  std::int64_t width, positions;
  std::unique_ptr<Embedding> token_embedding;
  Tensor position_embedding;
  std::vector<EncoderLayer> encoder_layers;
  std::unique_ptr<LayerNorm> final_layer_norm;
};

ClipTextEncoder::ClipTextEncoder(const Loader& w) : layers_(std::make_unique<Layers>(w)) {}
ClipTextEncoder::~ClipTextEncoder() = default;
ClipTextEncoder::ClipTextEncoder(ClipTextEncoder&&) noexcept = default;
ClipTextEncoder& ClipTextEncoder::operator=(ClipTextEncoder&&) noexcept = default;

Tensor ClipTextEncoder::operator()(std::span<const std::int32_t> ids, std::int64_t prompts) {
  if (prompts < 1 || static_cast<std::int64_t>(ids.size()) != prompts * positions())
    fail(ErrorCategory::model, "[clip] {} token ids, expected {} for each of {} prompts", ids.size(), positions(),
         prompts);
  Tensor x = (*layers_->token_embedding)(ids).reshaped({prompts, positions(), width()});
  layers_->backend.touch([&] { layers_->add_positions(x); });
  for (EncoderLayer& layer : layers_->encoder_layers) x = layer(x);
  return (*layers_->final_layer_norm)(x);
}

std::int64_t ClipTextEncoder::width() const noexcept { return layers_->width; }
std::int64_t ClipTextEncoder::positions() const noexcept { return layers_->positions; }

}  // namespace safelight

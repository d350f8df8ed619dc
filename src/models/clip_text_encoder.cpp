#include "models/clip_text_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/fail.h"
#include "models/clip_names.h"

namespace safelight {
namespace {

constexpr std::int64_t kHeadWidth = 64;  // in every CLIP text tower; one head if the model is narrower than that

// Part `index` of three that lie one below the other in a tensor of the file; borrowed, too.
Tensor third(const Tensor& stacked, std::int64_t index) {
  const auto owner = std::make_shared<const Tensor>(stacked);
  Shape shape = stacked.shape();
  shape[0] /= 3;
  return {stacked.dtype(),
          std::move(shape),
          {owner, owner->data() + static_cast<std::size_t>(index) * stacked.bytes() / 3}};
}

// A new tensor [columns, rows] from [rows, columns].
Tensor transposed(const Tensor& t) {
  const std::int64_t rows = t.dim(0), columns = t.dim(1);
  const std::size_t size = t.bytes() / static_cast<std::size_t>(t.elements());
  Tensor result = Tensor::allocate(t.dtype(), {columns, rows});
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < columns; ++column)
      std::memcpy(result.mutable_data() + static_cast<std::size_t>(column * rows + row) * size,
                  t.data() + static_cast<std::size_t>(row * columns + column) * size, size);
  return result;
}

class SelfAttention {
 public:
  SelfAttention(const Loader& w, const ClipNames& names, std::int64_t width, int heads)
      : backend_(w.backend()),
        heads_(heads),
        q_proj_(projection(w, names, 0, width)),
        k_proj_(projection(w, names, 1, width)),
        v_proj_(projection(w, names, 2, width)),
        out_proj_((w / "out_proj").linear({.in = width, .out = width})) {}

  Tensor operator()(const Tensor& x, const Tensor& residual) {
    const Tensor mixed =
        backend_.attention((*q_proj_)(x), (*k_proj_)(x), (*v_proj_)(x), {.heads = heads_, .causal = true});
    return (*out_proj_)(mixed, {.residual = &residual});
  }

 private:
  static std::unique_ptr<Linear> projection(const Loader& w, const ClipNames& names, std::int64_t index,
                                            std::int64_t width) {
    constexpr std::string_view kParts[] = {"q_proj", "k_proj", "v_proj"};
    const LinearSpec spec{.in = width, .out = width};
    if (!names.is_openclip) return (w / kParts[index]).linear(spec);
    return w.backend().linear(spec, third(w.tensor("in_proj_weight", {3 * width, width}), index),
                              third(w.tensor("in_proj_bias", {3 * width}), index));
  }

  Backend& backend_;
  const int heads_;
  std::unique_ptr<Linear> q_proj_, k_proj_, v_proj_, out_proj_;
};

class Mlp {
 public:
  Mlp(const Loader& w, const ClipNames& names, std::int64_t width, Activation activation)
      : activation_(activation),
        fc1_((w / names.fc1).linear({.in = width, .out = (w / names.fc1).dim("weight", 0)})),
        fc2_((w / names.fc2).linear({.in = fc1_->spec().out, .out = width})) {}

  Tensor operator()(const Tensor& x, const Tensor& residual) {
    return (*fc2_)((*fc1_)(x, {.activation = activation_}), {.residual = &residual});
  }

 private:
  Activation activation_;
  std::unique_ptr<Linear> fc1_, fc2_;
};

class EncoderLayer {
 public:
  EncoderLayer(const Loader& w, const ClipNames& names, std::int64_t width, int heads, Activation activation)
      : layer_norm1_((w / names.norm1).layer_norm({.channels = width})),
        self_attn_(w / names.attention, names, width, heads),
        layer_norm2_((w / names.norm2).layer_norm({.channels = width})),
        mlp_(w, names, width, activation) {}

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
  Layers(const ClipPlace& place, const ClipTextSpec& spec);
  void bind_projection(const ClipPlace& place);

  // Adds the row of its position to every token's embedding.
  void add_positions(Tensor& x) const {
    const std::span<const float> table = position_embedding.floats();
    const std::span<float> values = x.mutable_floats();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += table[i % table.size()];
  }

  // x: [prompts, positions, width] -> the rows [prompts, width] at the ends of the prompts.
  Tensor rows_at_ends(const Tensor& x, std::span<const std::int32_t> ids) const {
    Tensor rows = backend.empty({x.dim(0), width});
    backend.touch([&] {
      for (std::int64_t prompt = 0; prompt < x.dim(0); ++prompt) {
        const auto own = ids.subspan(static_cast<std::size_t>(prompt * positions), static_cast<std::size_t>(positions));
        const std::int64_t end = std::ranges::max_element(own) - own.begin();
        std::copy_n(x.floats().data() + (prompt * positions + end) * width, width,
                    rows.mutable_floats().data() + prompt * width);
      }
    });
    return rows;
  }

  Backend& backend;
  const ClipTextSpec spec;
  std::int64_t width, positions;
  std::unique_ptr<Embedding> token_embedding;
  Tensor position_embedding;
  std::size_t blocks_before_hidden = 0;
  std::vector<EncoderLayer> encoder_layers;  // those that are needed
  std::unique_ptr<LayerNorm> final_layer_norm;
  std::unique_ptr<Linear> text_projection;
};

ClipTextEncoder::Layers::Layers(const ClipPlace& place, const ClipTextSpec& s)
    : backend(place.tower.backend()),
      spec(s),
      width((place.tower / place.names->token_embedding).dim("weight", 1)),
      positions(place.tower.dim(place.names->position_embedding, 0)),
      token_embedding(
          (place.tower / place.names->token_embedding)
              .embedding({.rows = (place.tower / place.names->token_embedding).dim("weight", 0), .width = width})),
      position_embedding(to_f32(place.tower.tensor(place.names->position_embedding, {positions, width}))) {
  const Loader& w = place.tower;
  const ClipNames& names = *place.names;
  const std::int64_t heads = std::max<std::int64_t>(1, width / kHeadWidth);
  if (width % heads != 0)
    (w / names.token_embedding)
        .reject("weight", fmt::format("has width {}, expected a multiple of {} heads", width, heads));
  const std::int64_t blocks = place.blocks();
  if (blocks <= spec.skipped)
    (w / names.blocks / blocks)
        .reject(names.norm1, fmt::format("is missing, expected {} blocks or more, found {}", spec.skipped + 1, blocks));
  blocks_before_hidden = static_cast<std::size_t>(blocks - spec.skipped);
  const std::int64_t needed = spec.pooled ? blocks : blocks - spec.skipped;
  for (std::int64_t i = 0; i < needed; ++i)
    encoder_layers.emplace_back(w / names.blocks / i, names, width, static_cast<int>(heads), spec.activation);
  if (spec.final_norm || spec.pooled) final_layer_norm = (w / names.final_norm).layer_norm({.channels = width});
  if (spec.pooled) bind_projection(place);
}

void ClipTextEncoder::Layers::bind_projection(const ClipPlace& place) {
  const Loader& w = place.holder;
  const std::string_view name = place.names->is_openclip ? "text_projection" : "text_projection.weight";
  if (place.names->is_openclip) {
    const std::int64_t out = w.dim(name, 1);
    text_projection = backend.linear({.in = width, .out = out}, transposed(w.tensor(name, {width, out})), {});
  } else {
    text_projection = (w / "text_projection").linear({.in = width, .out = w.dim(name, 0)}, Bias::none);
  }
}

ClipTextEncoder::ClipTextEncoder(const Loader& w, const ClipTextSpec& spec)
    : layers_(std::make_unique<Layers>(find_clip(w), spec)) {}
ClipTextEncoder::~ClipTextEncoder() = default;
ClipTextEncoder::ClipTextEncoder(ClipTextEncoder&&) noexcept = default;
ClipTextEncoder& ClipTextEncoder::operator=(ClipTextEncoder&&) noexcept = default;

ClipFeatures ClipTextEncoder::operator()(std::span<const std::int32_t> ids, std::int64_t prompts) {
  if (prompts < 1 || static_cast<std::int64_t>(ids.size()) != prompts * positions())
    fail(ErrorCategory::model, "[clip] {} token ids, expected {} for each of {} prompts", ids.size(), positions(),
         prompts);
  Tensor x = (*layers_->token_embedding)(ids).reshaped({prompts, positions(), width()});
  layers_->backend.touch([&] { layers_->add_positions(x); });
  ClipFeatures result;
  for (std::size_t i = 0; i < layers_->encoder_layers.size(); ++i) {
    x = layers_->encoder_layers[i](x);
    if (i + 1 == layers_->blocks_before_hidden) result.hidden = x;
  }
  if (layers_->spec.final_norm) result.hidden = (*layers_->final_layer_norm)(result.hidden);
  if (layers_->spec.pooled)
    result.pooled = (*layers_->text_projection)((*layers_->final_layer_norm)(layers_->rows_at_ends(x, ids)));
  return result;
}

std::int64_t ClipTextEncoder::width() const noexcept { return layers_->width; }
std::int64_t ClipTextEncoder::pooled_width() const noexcept {
  return layers_->text_projection ? layers_->text_projection->spec().out : 0;
}
std::int64_t ClipTextEncoder::positions() const noexcept { return layers_->positions; }

}  // namespace safelight

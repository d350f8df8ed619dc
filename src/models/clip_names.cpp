#include "models/clip_names.h"

namespace safelight {
namespace {

constexpr ClipNames kTransformers{.token_embedding = "embeddings.token_embedding",
                                  .position_embedding = "embeddings.position_embedding.weight",
                                  .blocks = "encoder.layers",
                                  .norm1 = "layer_norm1",
                                  .attention = "self_attn",
                                  .norm2 = "layer_norm2",
                                  .fc1 = "mlp.fc1",
                                  .fc2 = "mlp.fc2",
                                  .final_norm = "final_layer_norm",
                                  .is_openclip = false};
constexpr ClipNames kOpenClip{.token_embedding = "token_embedding",
                              .position_embedding = "positional_embedding",
                              .blocks = "transformer.resblocks",
                              .norm1 = "ln_1",
                              .attention = "attn",
                              .norm2 = "ln_2",
                              .fc1 = "mlp.c_fc",
                              .fc2 = "mlp.c_proj",
                              .final_norm = "ln_final",
                              .is_openclip = true};

struct Candidate {
  const ClipNames* names;
  std::string_view tower, holder;  // below the place; "": the place itself
};

constexpr Candidate kCandidates[] = {
    {&kTransformers, "transformer.text_model", "transformer"},
    {&kTransformers, "transformer", "transformer"},
    {&kTransformers, "text_model", ""},
    {&kTransformers, "", ""},
    {&kOpenClip, "model", "model"},
    {&kOpenClip, "", ""},
};

Loader below(const Loader& w, std::string_view name) { return name.empty() ? w : w / name; }

}  // namespace

ClipPlace find_clip(const Loader& w) {
  for (const Candidate& c : kCandidates)
    if (Loader tower = below(w, c.tower); tower.has(c.names->blocks) || tower.has(c.names->token_embedding))
      return {.tower = std::move(tower), .holder = below(w, c.holder), .names = c.names};
  below(w, kCandidates[0].tower)
      .reject(kTransformers.token_embedding, "is missing, as is a text encoder under any other name");
}

}  // namespace safelight

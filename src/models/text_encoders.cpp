#include "models/text_encoders.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"
#include "models/clip_names.h"
#include "models/tokenizer.h"

namespace safelight {
namespace {

constexpr std::int64_t kWidthOfH = 1024, kBlocksOfH = 24;

struct Published {
  std::int64_t width, blocks;
};
constexpr Published kPublished[] = {{768, 12}, {kWidthOfH, kBlocksOfH}, {1280, 32}};  // ViT-L/14, ViT-H/14, ViT-bigG/14

// diffusers leaves out the last block of ViT-H/14, which nothing reads.
bool lacks_last_of_h(const ClipPlace& place) { return !place.names->is_openclip && place.blocks() != kBlocksOfH; }

// Lost blocks would give pictures all the same, of something else.
void expect_published_depth(const ClipPlace& place, Family family) {
  const std::int64_t width = (place.tower / place.names->token_embedding).dim("weight", 1), blocks = place.blocks();
  const Published* tower = std::ranges::find(kPublished, width, &Published::width);
  if (tower == std::end(kPublished) || tower->blocks == blocks) return;
  if (family == Family::sd2 && width == kWidthOfH && blocks == kBlocksOfH - 1 && !place.names->is_openclip) return;
  (place.tower / place.names->blocks / (blocks - 1))
      .reject(fmt::format("{}.weight", place.names->norm1),
              fmt::format("is in the last of {} blocks, expected {} in a text encoder of width {}", blocks,
                          tower->blocks, width));
}

constexpr ClipTextSpec kPenultimate{.activation = Activation::quick_gelu, .skipped = 1, .final_norm = false};
constexpr ClipTextSpec kPenultimateAndPooled{
    .activation = Activation::gelu, .skipped = 1, .final_norm = false, .pooled = true};

ClipTextSpec spec_of_sd2(const ClipPlace& place) {
  return {.activation = Activation::gelu, .skipped = lacks_last_of_h(place) ? 0 : 1};
}

}  // namespace

TextEncoders::TextEncoders(const Loader& w, Family family, const TextActivations& activations) : backend_(w.backend()) {
  constexpr std::int32_t kOpenClipPadding = 0;
  const auto add = [&](std::string_view name, ClipTextSpec spec, std::int32_t padding) {
    const Loader place = w / name;
    expect_published_depth(find_clip(place), family);
    if (const auto said = activations.find(fmt::format("{}.", name)); said != activations.end())
      spec.activation = said->second;
    encoders_.push_back({.network = ClipTextEncoder(place, spec), .padding = padding});
  };
  switch (family) {
    case Family::sd1:
      add("cond_stage_model", {}, ClipTokenizer::kEnd);
      break;
    case Family::sd2:
      add("cond_stage_model", spec_of_sd2(find_clip(w / "cond_stage_model")), kOpenClipPadding);
      break;
    case Family::sdxl:
      add("conditioner.embedders.0", kPenultimate, ClipTokenizer::kEnd);
      add("conditioner.embedders.1", kPenultimateAndPooled, kOpenClipPadding);
      break;
    case Family::sdxl_refiner:
      add("conditioner.embedders.0", kPenultimateAndPooled, kOpenClipPadding);
      break;
  }
  for (const Encoder& encoder : encoders_)
    if (encoder.network.positions() != positions())
      find_clip(w / "conditioner.embedders.1")
          .tower.reject("positional_embedding", fmt::format("has {} positions, the other encoder's {}",
                                                            encoder.network.positions(), positions()));
}

TextEmbeddings TextEncoders::operator()(std::span<const std::vector<std::int32_t>> ids, std::int64_t prompts) {
  if (ids.size() != count()) fail(ErrorCategory::model, "[text] ids for {} encoders, expected {}", ids.size(), count());
  TextEmbeddings result;
  for (std::size_t i = 0; i < count(); ++i) {
    ClipFeatures features = encoders_[i].network(ids[i], prompts);
    result.context = i == 0 ? std::move(features.hidden) : backend_.concat(result.context, features.hidden);
    result.pooled = std::move(features.pooled);
  }
  return result;
}

std::vector<std::vector<std::int32_t>> TextEncoders::blank(std::int64_t prompts) const {
  return {count(), std::vector<std::int32_t>(static_cast<std::size_t>(prompts * positions()))};
}

std::int64_t TextEncoders::width() const noexcept {
  std::int64_t sum = 0;
  for (const Encoder& encoder : encoders_) sum += encoder.network.width();
  return sum;
}

}  // namespace safelight

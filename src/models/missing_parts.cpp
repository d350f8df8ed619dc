#include "models/missing_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/fail.h"
#include "core/shown_path.h"

namespace safelight {
namespace {

// The width of the encoder's embeddings; 0 if there is none at this place.
std::uint64_t width_at(const Checkpoint& checkpoint, std::string_view place) {
  for (const char* name : {"transformer.text_model.embeddings.token_embedding.weight", "model.token_embedding.weight"})
    if (const TensorInfo* info = checkpoint.find(std::string(place) + name); info && info->shape.size() == 2)
      return info->shape[1];
  return 0;
}

std::uint64_t context_width(const Checkpoint& checkpoint) {
  for (const TensorInfo* info : checkpoint.below(kUnetPlace))
    if (info->name.ends_with(".attn2.to_k.weight") && info->shape.size() >= 2) return info->shape[1];
  return 0;
}

void find_text_encoders(const Checkpoint& checkpoint, MissingParts& parts) {
  const std::uint64_t context = context_width(checkpoint);
  const bool of_xl = checkpoint.find("model.diffusion_model.label_emb.0.0.weight") != nullptr;
  if (!of_xl) {
    if (checkpoint.below(kTextPlace).empty())
      parts.lacking.push_back(fmt::format("text encoder ({} wide)", context));
    else
      parts.there.emplace_back("a text encoder");
    return;
  }
  const bool has_first = !checkpoint.below(kFirstTextPlace).empty(),
             has_second = !checkpoint.below(kSecondTextPlace).empty();
  if (has_first) parts.there.emplace_back("a first text encoder");
  if (has_second) parts.there.emplace_back("a second text encoder");
  const std::uint64_t first = width_at(checkpoint, kFirstTextPlace), second = width_at(checkpoint, kSecondTextPlace);
  if (!has_first && !has_second)
    parts.lacking.push_back(fmt::format("text encoders ({} wide together)", context));
  else if (!has_first)
    parts.lacking.push_back(fmt::format("first text encoder ({} wide)", context - std::min(second, context)));
  else if (!has_second && first < context)
    parts.lacking.push_back(fmt::format("second text encoder ({} wide)", context - first));
}

}  // namespace

MissingParts missing_parts(const Checkpoint& checkpoint) {
  MissingParts parts;
  parts.there.emplace_back("a UNet");
  find_text_encoders(checkpoint, parts);
  if (!parts.lacking.empty()) parts.remedies.emplace_back("--text-encoder FILE");
  const std::size_t without_vae = parts.lacking.size();
  for (const char* half : {"decoder", "encoder"}) {
    if (checkpoint.below(fmt::format("{}{}.", kVaePlace, half)).empty())
      parts.lacking.push_back(fmt::format("VAE {}", half));
    else
      parts.there.push_back(fmt::format("a VAE {}", half));
  }
  if (parts.lacking.size() > without_vae) parts.remedies.emplace_back("--vae FILE");
  return parts;
}

void expect_complete(const Checkpoint& checkpoint) {
  const MissingParts parts = missing_parts(checkpoint);
  if (parts.lacking.empty()) return;
  fail(ErrorCategory::model, "[model] {} has {}, but no {}; add {}", shown_path(checkpoint.path()),
       fmt::join(parts.there, ", "), fmt::join(parts.lacking, ", no "), fmt::join(parts.remedies, " and "));
}

}  // namespace safelight

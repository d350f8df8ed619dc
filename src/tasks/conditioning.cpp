#include "tasks/conditioning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/printable.h"
#include "models/timestep_embedding.h"
#include "tasks/planes.h"
#include "tasks/prompt_markup.h"

namespace safelight {
namespace {

constexpr std::size_t kMostCutText = 200;  // characters that a warning repeats

// What the refiner is told unless the user says otherwise, as in diffusers.
constexpr double kAestheticScore = 6, kNegativeAestheticScore = 2.5;

// What the user should know about a prompt that is longer than the text encoder's positions.
void warn_if_cut(std::string_view what, const TokenizedPrompt& text, std::vector<std::string>& warnings) {
  if (text.cut > 0)
    warnings.push_back(fmt::format("the {} has {} tokens, {} more than the model reads; ignored: {}", what, text.tokens,
                                   text.cut, printable(text.cut_text, kMostCutText)));
}

void warn_if_marked_up(std::string_view what, std::string_view prompt, std::vector<std::string>& warnings) {
  if (const std::string_view markup = unread_markup(prompt); !markup.empty())
    warnings.push_back(
        fmt::format("the {} has {}, which is read as plain text: weights, networks, escapes and BREAK in a "
                    "prompt have no meaning here",
                    what, printable(markup, kMostCutText)));
}

Tensor to_i64(std::span<const std::int32_t> ids, std::int64_t rows) {
  Tensor result = Tensor::allocate(DType::I64, {rows, static_cast<std::int64_t>(ids.size()) / rows});
  std::byte* out = result.mutable_data();
  for (const std::int64_t id : ids) {
    std::memcpy(out, &id, sizeof id);
    out += sizeof id;
  }
  return result;
}

// F32 [1, ...] -> [2, ...], the second all zeros.
Tensor with_zeros(const Tensor& t) {
  Shape shape = t.shape();
  shape[0] = 2;
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  std::ranges::fill(std::ranges::copy(t.floats(), result.mutable_floats().begin()).out, result.mutable_floats().end(),
                    0.0f);
  return result;
}

// numbers_in_vector() of them for each text; the negative prompt's come second.
std::vector<float> numbers(Family family, const MicroConditioning& micro, const PictureSize& size, std::int64_t texts) {
  const PictureSize original = micro.original_size.value_or(size), target = micro.target_size.value_or(size);
  const PictureCorner crop = micro.crop.value_or(PictureCorner{});
  const double scores[] = {micro.aesthetic_score.value_or(kAestheticScore),
                           micro.negative_aesthetic_score.value_or(kNegativeAestheticScore)};
  std::vector<float> result;
  for (std::int64_t text = 0; text < texts; ++text) {
    for (const std::int64_t pixels : {original.height, original.width, crop.top, crop.left})
      result.push_back(static_cast<float>(pixels));
    if (family == Family::sdxl_refiner) {
      result.push_back(static_cast<float>(scores[text]));
    } else {
      result.push_back(static_cast<float>(target.height));
      result.push_back(static_cast<float>(target.width));
    }
  }
  return result;
}

// The pooled features, and the numbers' embeddings behind them; empty where the UNet takes no vector.
Tensor vector_of(Model::State& model, const Tensor& pooled, const MicroConditioning& micro, const PictureSize& size) {
  const StableDiffusion& networks = model.networks;
  const int count = numbers_in_vector(networks.family);
  if (count == 0) return {};
  const std::int64_t texts = pooled.dim(0), rest = networks.unet.vector_width() - pooled.dim(1);
  const std::int64_t width = rest / count;
  const Tensor embedded = timestep_embedding(numbers(networks.family, micro, size, texts), width, *model.backend);
  return model.backend->concat(pooled, embedded.reshaped({texts, rest}));
}

}  // namespace

Tensor rows(const Tensor& t, std::span<const std::int64_t> indices) {
  if (t.empty()) return {};
  Shape shape = t.shape();
  shape[0] = std::ssize(indices);
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  for (std::size_t i = 0; i < indices.size(); ++i)
    set_image(result, static_cast<std::int64_t>(i), image(t, indices[i]));
  return result;
}

bool blank_negative(const StableDiffusion& networks, const GenerateOptions& options) {
  return networks.zeros_for_empty_prompt && options.negative_prompt.empty();
}

TextEmbeddings encode_texts(Model::State& model, const GenerateOptions& options, const SamplingPlan& plan,
                            std::vector<std::string>& warnings) {
  const auto inspect = [&](std::string_view name, const Tensor& tensor) {
    if (options.inspect) options.inspect({0, name, tensor});
  };
  model.context.report("text", 0, 1);
  TextEncoders& encoders = model.networks.text_encoders;
  std::vector<std::vector<std::int32_t>> ids(encoders.count());
  const auto read = [&](std::string_view what, std::string_view text) {
    for (std::size_t encoder = 0; encoder < ids.size(); ++encoder) {
      const TokenizedPrompt tokens = model.tokenizer(text, encoders.padding(encoder));
      if (encoder == 0) warn_if_cut(what, tokens, warnings);
      ids[encoder].insert(ids[encoder].end(), tokens.ids.begin(), tokens.ids.end());
    }
    warn_if_marked_up(what, text, warnings);
  };
  read("prompt", options.prompt);
  if (plan.guided()) read("negative prompt", options.negative_prompt);
  const std::int64_t texts = plan.guided() ? 2 : 1;
  inspect("token_ids", to_i64(ids[0], texts));
  if (ids.size() > 1) inspect("token_ids_2", to_i64(ids[1], texts));
  const bool blank = plan.guided() && plan.negative_is_blank;
  if (blank)
    for (std::vector<std::int32_t>& of_encoder : ids) of_encoder.resize(of_encoder.size() / 2);
  TextEmbeddings embeddings = encoders(ids, blank ? 1 : texts);
  if (blank) embeddings = {.context = with_zeros(embeddings.context), .pooled = with_zeros(embeddings.pooled)};
  inspect("text_embeddings", embeddings.context);
  model.context.report("text", 1, 1);
  return embeddings;
}

Conditioning condition_on_size(Model::State& model, const TextEmbeddings& texts, const MicroConditioning& micro,
                               const PictureSize& size) {
  return {.context = texts.context, .vector = vector_of(model, texts.pooled, micro, size)};
}

}  // namespace safelight

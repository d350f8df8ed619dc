#include "tasks/conditioning.h"

#include <fmt/format.h>

#include <cstring>

#include "core/printable.h"
#include "tasks/planes.h"
#include "tasks/prompt_markup.h"

namespace safelight {
namespace {

constexpr std::size_t kMostCutText = 200;  // characters that a warning repeats

// What the user should know about a prompt that is longer than the text encoder's positions.
void warn_if_cut(std::string_view what, const TokenizedPrompt& text, std::vector<std::string>& warnings) {
  if (text.cut > 0)
    warnings.push_back(fmt::format("the {} has {} tokens, {} more than the model reads; ignored: {}", what, text.tokens,
                                   text.cut, printable(text.cut_text, kMostCutText)));
}

void warn_if_marked_up(std::string_view what, std::string_view prompt, std::vector<std::string>& warnings) {
  if (const std::string_view markup = unread_markup(prompt); !markup.empty())
    warnings.push_back(
        fmt::format("the {} has {}, which is read as plain text: weights and networks in a prompt have no "
                    "meaning here",
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

Tensor rows(const Tensor& t, std::span<const std::int64_t> indices) {
  if (t.empty()) return {};
  Shape shape = t.shape();
  shape[0] = std::ssize(indices);
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  for (std::size_t i = 0; i < indices.size(); ++i)
    set_image(result, static_cast<std::int64_t>(i), image(t, indices[i]));
  return result;
}

}  // namespace

Conditioning rows(const Conditioning& texts, std::span<const std::int64_t> indices) {
  return {.context = rows(texts.context, indices), .vector = rows(texts.vector, indices)};
}

Conditioning condition_on_texts(Model::State& model, const GenerateOptions& options, bool with_negative,
                                std::vector<std::string>& warnings) {
  const auto inspect = [&](std::string_view name, const Tensor& tensor) {
    if (options.inspect) options.inspect({0, name, tensor});
  };
  model.context.report("text", 0, 1);
  std::vector<std::int32_t> ids;
  const auto read = [&](std::string_view what, std::string_view text) {
    const TokenizedPrompt tokens = model.tokenizer(text);
    warn_if_cut(what, tokens, warnings);
    warn_if_marked_up(what, text, warnings);
    ids.insert(ids.end(), tokens.ids.begin(), tokens.ids.end());
  };
  read("prompt", options.prompt);
  if (with_negative) read("negative prompt", options.negative_prompt);
  const std::int64_t texts = with_negative ? 2 : 1;
  inspect("token_ids", to_i64(ids, texts));
  Conditioning result{.context = model.networks.text_encoder(ids, texts), .vector = {}};
  inspect("text_embeddings", result.context);
  model.context.report("text", 1, 1);
  return result;
}

}  // namespace safelight

// What the texts of a call mean to the networks: tokens, embeddings, and what is said about prompts that are not read
// as they stand.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tasks/model_state.h"

namespace safelight {

// Of one text or several.
struct Conditioning {
  Tensor context;  // F32 [n, tokens, width]: what the UNet's layers attend to
  Tensor vector;   // F32 [n, width]: what is added to the time embedding; empty where the UNet takes none
};

// Rows kPromptRow and kNegativeRow of what encode_texts() returns.
inline constexpr std::int64_t kPromptRow = 0, kNegativeRow = 1;

// The texts of these rows, in this order, as often as they are named.
Conditioning rows(const Conditioning& texts, std::span<const std::int64_t> indices);

// The prompt's, and the negative prompt's after it if it is wanted. Adds a warning for each prompt that is cut or has
// markup that nothing reads. Reports Progress "text" and hands the values to options.inspect.
// Throws Error(usage), Error(cancelled).
TextEmbeddings encode_texts(Model::State& model, const GenerateOptions& options, bool with_negative,
                            std::vector<std::string>& warnings);

// For a picture of this size, which the vector tells, unless `micro` says something else.
Conditioning condition_on_size(Model::State& model, const TextEmbeddings& texts, const MicroConditioning& micro,
                               const PictureSize& size);

// Throws Error(usage) for what the model does not take, or a value that no picture can have.
void check_micro_conditioning(const StableDiffusion& networks, const MicroConditioning& micro);

// Names and values for the text in a picture; of what is set.
std::vector<std::pair<std::string, std::string>> micro_conditioning_fields(const MicroConditioning& micro);

}  // namespace safelight

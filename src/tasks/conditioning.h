// What the texts of a call mean to the networks: tokens, embeddings, and what is said about prompts that are not read
// as they stand.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tasks/model_state.h"
#include "tasks/sampling_plan.h"

namespace safelight {

// Of one text or several.
struct Conditioning {
  Tensor context;  // F32 [n, tokens, width]: what the UNet's layers attend to
  Tensor vector;   // F32 [n, width]: what is added to the time embedding; empty where the UNet takes none
};

// Rows of F32 [n, ...], in this order, as often as they are named; of nothing, nothing.
Tensor rows(const Tensor& t, std::span<const std::int64_t> indices);

// Whether an empty negative prompt is zeros to this model, and not encoded.
bool blank_negative(const StableDiffusion& networks, const GenerateOptions& options);

// The prompt's, and the negative prompt's after it if some step is guided, at kPromptRow and kNegativeRow. Adds a
// warning for each prompt that is cut or has markup that nothing reads. Reports Progress "text" and hands the values to
// options.inspect. Throws Error(usage), Error(cancelled).
TextEmbeddings encode_texts(Model::State& model, const GenerateOptions& options, const SamplingPlan& plan,
                            std::vector<std::string>& warnings);

// For a picture of this size, which the vector tells, unless `micro` says something else.
Conditioning condition_on_size(Model::State& model, const TextEmbeddings& texts, const MicroConditioning& micro,
                               const PictureSize& size);

// Throws Error(usage) for what the model does not take, or a value that no picture can have.
void check_micro_conditioning(const StableDiffusion& networks, const MicroConditioning& micro);

// Names and values for the text in a picture; of what is set.
std::vector<std::pair<std::string, std::string>> micro_conditioning_fields(const MicroConditioning& micro);

}  // namespace safelight

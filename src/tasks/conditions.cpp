#include "tasks/conditions.h"

#include "diffusion/repeated.h"
#include "tasks/planes.h"
#include "tasks/text_rows.h"

namespace safelight {

Conditions::Conditions(Model::State& model, const SamplingPlan& plan, Sight sight, Conditioning texts, Tensor seen)
    : model_(model), plan_(plan), sight_(sight), texts_(std::move(texts)), seen_(std::move(seen)) {}

void Conditions::follow(Conditioning texts) {
  texts_ = std::move(texts);
  batch_ = 0;
}

void Conditions::prepare_for(std::int64_t batch) {
  if (batch == batch_) return;
  all_ = last_ = {};
  batch_ = batch;
  // In the order that Guidance wants them, the last being told all there is to tell.
  std::vector<Answer> answers;
  if (sight_ == Sight::picture_to_edit) answers.push_back({.text = kNegativeRow, .sees = false});
  answers.push_back({.text = kNegativeRow, .sees = true});
  answers.push_back({.text = kPromptRow, .sees = true});
  if (plan_.guided()) all_ = told(answers, batch, plan_.memory.answers);
  if (!plan_.always_guided()) last_ = told(std::span(answers).last(1), batch, Answers::together);
}

Conditions::Told Conditions::told(std::span<const Answer> answers, std::int64_t batch, Answers order) {
  Told result;
  std::vector<std::int64_t> texts;  // of the images of one part
  const auto prepare = [&] {
    const TextRows asked = text_rows(texts, plan_.negative_is_blank);
    result.texts.push_back(
        model_.networks.unet.prepare(rows(texts_.context, asked.read), rows(texts_.vector, texts), asked.followed));
    texts.clear();
  };
  for (const Answer& answer : answers) {
    texts.insert(texts.end(), static_cast<std::size_t>(batch), answer.text);
    if (order == Answers::in_turn) prepare();
  }
  if (!texts.empty()) prepare();
  if (seen_.empty()) return result;
  result.seen = repeated(seen_, batch * std::ssize(answers));
  float* values = result.seen.mutable_floats().data();
  const std::int64_t size = seen_.elements() * batch;
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (!answers[i].sees) std::fill_n(values + static_cast<std::int64_t>(i) * size, size, 0.0f);
  return result;
}

Network Conditions::network(CachedUNet& unet, const Told& told) const {
  return [this, &unet, &told](const Tensor& x, std::span<const float> timesteps) {
    return told.seen.empty() ? unet(x, timesteps, told.texts)
                             : unet(model_.backend->concat(x, told.seen), timesteps, told.texts);
  };
}

}  // namespace safelight

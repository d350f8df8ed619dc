// What the UNet is told in a step besides the noisy latents: the texts, and what the task lets it see.
#pragma once

#include <span>
#include <vector>

#include "diffusion/guidance.h"
#include "models/cached_unet.h"
#include "tasks/conditioning.h"
#include "tasks/sampling_plan.h"

namespace safelight {

// Thread-compatible; the model must outlive it.
class Conditions {
 public:
  // `texts`: of the prompt and, if some step is guided, of the negative prompt. `seen`: F32 [1, h, w, c], the channels
  // that the UNet sees besides the latents; empty: none.
  Conditions(Model::State& model, const SamplingPlan& plan, Sight sight, Conditioning texts, Tensor seen);

  // The same texts for pictures of another size, where the UNet is told it.
  void follow(Conditioning texts);

  // To be called before the steps of each batch: the keys and values of the texts are computed anew if they or the
  // number of pictures are others than before.
  void prepare_for(std::int64_t batch);

  // The networks that Guidance asks, for the batch that is prepared. They refer to this and to the UNet.
  Network all(CachedUNet& unet) const { return network(unet, all_); }
  Network last(CachedUNet& unet) const { return network(unet, last_); }

 private:
  // What one answer of the UNet follows.
  struct Answer {
    std::int64_t text;
    bool sees;
  };
  // Texts in one part, or in several that are asked in turn; and the other channels of all images.
  struct Told {
    std::vector<TextContext> texts;
    Tensor seen;
  };
  Told told(std::span<const Answer> answers, std::int64_t batch, Answers order);
  Network network(CachedUNet& unet, const Told& told) const;

  Model::State& model_;
  const SamplingPlan& plan_;
  const Sight sight_;
  Conditioning texts_;
  const Tensor seen_;
  std::int64_t batch_ = 0;
  Told all_, last_;
};

}  // namespace safelight

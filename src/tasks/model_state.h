// What an open Model consists of, for the tasks.
#pragma once

#include <memory>

#include "models/stable_diffusion.h"
#include "models/tokenizer.h"
#include "safelight/generate.h"
#include "tasks/background_hash.h"

namespace safelight {

struct Model::State {
  State(const Context& context, const Checkpoint& file, const Training& training);

  Context context;
  // Before the backend, whose threads pin the calling thread to a core.
  BackgroundHash hash;
  std::unique_ptr<BackgroundHash> vae_hash;  // of a VAE that was given besides; else null
  std::unique_ptr<Backend> backend;
  Training training;  // what the user said about it
  StableDiffusion networks;
  ClipTokenizer tokenizer;
  double open_ms = 0;
};

}  // namespace safelight

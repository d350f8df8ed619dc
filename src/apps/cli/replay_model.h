// The files that a picture says it was made with.
#pragma once

#include <vector>

#include "apps/cli/model_choice.h"
#include "tasks/replay.h"

namespace safelight::cli {

// Completes the user's choice by what the picture says: the model by its hash, else by its name, the other parts by
// their files' names, all in the models folder or beside the model. `choice.model` becomes a path. What is not found
// besides the model, and a model with another hash, is added to `unmet`. Throws Error(usage) if neither says which
// model it is, and what finding and opening it throws.
void choose_model(ModelChoice& choice, const ModelOfPicture& said, std::vector<UnmetSetting>& unmet,
                  const Context& context);

}  // namespace safelight::cli

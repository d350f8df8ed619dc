// The settings of a picture, as they are stored in its file.
#pragma once

#include <string>

#include "tasks/sampling_plan.h"

namespace safelight {

// In the form and the order of A1111 (image/infotext.h).
std::string settings_text(Model::State& model, const GenerateOptions& options, const SamplingPlan& plan, const Job& job,
                          std::uint64_t seed);

}  // namespace safelight

// What files beside the tensors say a UNet predicts.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/family.h"

namespace safelight {

struct SaidPrediction {
  Prediction prediction = Prediction::noise;
  bool zero_terminal_snr = false;
  std::string by{};  // "parameterization is v in model.yaml"
};

// By a configuration of ldm: `parameterization` (eps or v) below `model.params`, eps if it is not there. Nothing if the
// file has no model.params. Throws what reading and parsing throw, Error(format) for another parameterization.
std::optional<SaidPrediction> said_by_config(const std::filesystem::path& yaml);

// By the configuration beside a checkpoint, name.yaml of name.safetensors, as A1111 has them; nothing if there is none.
// One that cannot be understood says nothing, and `notes` gets why.
std::optional<SaidPrediction> said_beside(const std::filesystem::path& checkpoint, std::vector<std::string>& notes);

// By scheduler/scheduler_config.json in a folder of diffusers: prediction_type and rescale_betas_zero_snr; nothing if
// there is no such file, or no type in it. Throws what ConfigFile throws, Error(format) for a type that is neither
// epsilon nor v_prediction.
std::optional<SaidPrediction> said_by_scheduler(const std::filesystem::path& folder);

}  // namespace safelight

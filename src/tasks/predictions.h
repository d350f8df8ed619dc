// What a model may predict, by name.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/name_table.h"
#include "models/family.h"

namespace safelight {

struct PredictionInfo {
  std::optional<Prediction> prediction;  // nothing: as the file says
  Names names;
};
std::span<const PredictionInfo> predictions() noexcept;

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
std::optional<Prediction> parse_prediction(std::string_view name);

}  // namespace safelight

// What generate --plan prints.
#pragma once

#include <string>

#include "safelight/generate.h"

namespace safelight::cli {

// A line on the pictures, a line for every phase, a line on the whole.
std::string forecast_text(const GenerateForecast& forecast);

// One line, an object.
std::string forecast_json(const GenerateForecast& forecast, const Model& model);

}  // namespace safelight::cli

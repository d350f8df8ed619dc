// Arguments that several commands take.
#pragma once

#include <string>
#include <string_view>

#include "apps/cli/command.h"
#include "safelight/dtype.h"
#include "safelight/merge.h"

namespace safelight::cli {

// "F16", or "f16". Throws Error(usage) if there is no such type.
DType given_dtype(std::string_view option, const std::string& text);

// "model.safetensors=0.7": the number behind the last "=". Without one the weight is `otherwise`; with NaN there, that
// is an Error(usage), as is something behind the "=" that is no number.
WeightedFile given_weight(std::string_view option, const std::string& text, double otherwise);

// --threads, which stays 0 for all cores.
void add_threads_option(Command command, int& threads);

// A number as JSON has it: null if it is not finite.
std::string json_number(double value);

}  // namespace safelight::cli

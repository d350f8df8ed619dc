// Which model a command works with: the same options for all.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/command.h"
#include "apps/cli/named_model.h"
#include "safelight/generate.h"

namespace safelight::cli {

struct ModelChoice {
  std::string model;               // empty: the shipped one
  std::string shipped = kShipped;  // which of them
  std::string vae, variant;
  std::vector<std::string> text_encoders;
  std::string prediction = "automatic";
  bool zero_terminal_snr = false;  // false: what the file says
};

// -m, --vae, --text-encoder, --variant, --prediction and --zero-terminal-snr. `otherwise` says which model it is
// without -m. `choice` must live until the command has run.
void add_model_options(Command& command, ModelChoice& choice,
                       const std::string& otherwise = "the one for this task of those that are shipped (papercut)");

// Throws what Model::open() throws, and Error(io) if no model was named and the shipped one is not there.
Model open_model(const ModelChoice& choice, const Context& context);

}  // namespace safelight::cli

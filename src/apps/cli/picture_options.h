// The options that all commands share which make pictures: one function for each group, in the order of the help.
#pragma once

#include <optional>
#include <string>

#include "apps/cli/command.h"
#include "apps/cli/micro_options.h"
#include "apps/cli/model_choice.h"
#include "safelight/mask.h"
#include "safelight/picture_tasks.h"

namespace safelight::cli {

// As they are typed. settled() makes GenerateOptions of them.
struct PictureArguments {
  GenerateOptions generate;
  ModelChoice model;
  MicroArguments micro;
  std::string output = "safelight.png", initial_latents, dump, guidance_interval = "0,1";
  std::optional<std::int64_t> width, height, seed;
  int threads = 0;
  std::string backend = "cpu";
  bool plan = false, json = false, quiet = false, no_measuring = false;
};

void add_prompt_options(Command command, PictureArguments& o);  // -p and -n
void add_negative_option(Command command, PictureArguments& o);
void add_output_options(Command command, PictureArguments& o);
void add_size_options(Command command, PictureArguments& o, const std::string& meaning);
void add_sampling_options(Command command, PictureArguments& o);
void add_run_options(Command command, PictureArguments& o);
void add_machine_options(Command command, PictureArguments& o);  // those but --rng and --precision

// Fills in o.generate. Throws Error(usage), Error(io), Error(model) for values that make no sense.
void settle(PictureArguments& o);

// --input, the picture that a command works on.
void add_input_option(Command command, std::string& path);

// The mask in a file of its own, or where the path is empty, of what is transparent in the picture. Throws Error(usage)
// if it has no such parts, and what reading throws.
Mask given_mask(const std::string& path, const PictureFile& input);

// --resize; given_resize_mode() reads it.
void add_resize_option(Command command, std::string& mode);

// --strength.
void add_strength_option(Command command, double& strength);

}  // namespace safelight::cli

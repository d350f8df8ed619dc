// safelight generate: from a sentence to a picture.
#include <memory>
#include <string>

#include "apps/cli/commands.h"
#include "apps/cli/hires_options.h"
#include "apps/cli/make_pictures.h"

namespace safelight::cli {
namespace {

struct Options {
  PictureArguments common;
  HiresArguments hires;
};

int run(Options& o) {
  settle(o.common);
  GenerateOptions& options = o.common.generate;
  options.hires = given_hires(o.hires);
  return make_pictures(o.common, options,
                       {.make = [&](Model& model, const OnPicture& made) { return generate(model, options, made); },
                        .plan = [&](Model& model) { return forecast(model, options); },
                        .json = hires_json(options.hires)});
}

}  // namespace

void add_generate(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("generate", "Make a picture from a sentence.");
  add_prompt_options(command, options->common);
  add_model_options(command, options->common.model);
  add_output_options(command, options->common);
  add_size_options(command, options->common, "Pixels, a multiple of 8; without it, the model's own size");
  add_sampling_options(command, options->common);
  add_hires_options(command, options->hires);
  add_run_options(command, options->common);
  command.footer(
      "Ctrl-C stops within a step and leaves no half file.\n"
      "Example: safelight generate -p \"a red house with a brown roof by a lake\" --seed 7 -o house.png");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace safelight::cli

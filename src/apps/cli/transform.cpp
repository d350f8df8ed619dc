// safelight transform: from a picture to a picture.
#include <fmt/format.h>

#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/make_pictures.h"
#include "core/json_text.h"
#include "image/resize_mode.h"

namespace safelight::cli {
namespace {

struct Options {
  PictureArguments common;
  TransformOptions task;
  std::string input, resize = "crop";
};

int run(Options& o) {
  settle(o.common);
  o.task.generate = o.common.generate;
  o.task.resize = parse_resize_mode(o.resize);
  o.task.picture = read_picture(o.input).picture;
  return make_pictures(o.common, o.task.generate,
                       {.make = [&](Model& model, const OnPicture& made) { return transform(model, o.task, made); },
                        .plan = [&](Model& model) { return forecast(model, o.task); },
                        .json = fmt::format(",\"input\":{},\"strength\":{},\"resize\":{}", json_string(o.input),
                                            o.task.strength, json_string(info(o.task.resize).names.name))});
}

}  // namespace

void add_transform(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("transform", "Make another picture of a picture.");
  add_input_option(command, options->input);
  add_prompt_options(command, options->common);
  add_strength_option(command, options->task.strength);
  add_model_options(command, options->common.model);
  add_output_options(command, options->common);
  add_size_options(command, options->common, "Pixels, a multiple of 8; without it, the picture's, cut to one");
  add_resize_option(command, options->resize);
  add_sampling_options(command, options->common);
  add_run_options(command, options->common);
  command.footer("Example: safelight transform -i house.jpg -p \"the house in winter\" --strength 0.6 -o winter.jpg");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace safelight::cli

// safelight edit: change a picture as an instruction says.
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
  EditPictureOptions task;
  std::string input, resize = "crop";
};

int run(Options& o) {
  settle(o.common);
  o.task.generate = o.common.generate;
  o.task.resize = parse_resize_mode(o.resize);
  o.task.picture = read_picture(o.input).picture;
  return make_pictures(o.common, o.task.generate,
                       {.make = [&](Model& model, const OnPicture& made) { return edit(model, o.task, made); },
                        .plan = [&](Model& model) { return forecast(model, o.task); },
                        .json = fmt::format(",\"input\":{},\"image_cfg\":{},\"resize\":{}", json_string(o.input),
                                            o.task.image_cfg, json_string(info(o.task.resize).names.name))});
}

}  // namespace

void add_edit(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("edit", "Change a picture as an instruction says, with a model made for it.");
  add_input_option(command, options->input);
  command.add_option("--instruct,-p,--prompt", options->common.generate.prompt, "What to do: \"make it night\"")
      .required();
  add_negative_option(command, options->common);
  command
      .add_option("--image-cfg", options->task.image_cfg,
                  "How closely the result keeps to the picture; --cfg says how strictly it follows the instruction")
      .show_default();
  options->common.model.shipped = kShippedEdit;
  add_model_options(command, options->common.model);
  add_output_options(command, options->common);
  add_size_options(command, options->common, "Pixels, a multiple of 8; without it, the picture's, cut to one");
  add_resize_option(command, options->resize);
  add_sampling_options(command, options->common);
  add_run_options(command, options->common);
  command.footer(
      "Example: safelight edit -i house.png --instruct \"make it night\" --cfg 4 --image-cfg 2 -o night.png");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace safelight::cli

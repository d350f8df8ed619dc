// safelight outpaint: more of a picture beyond its edges.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "apps/cli/commands.h"
#include "apps/cli/make_pictures.h"
#include "core/fail.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "image/extension_text.h"

namespace safelight::cli {
namespace {

struct Options {
  PictureArguments common;
  OutpaintOptions task;
  std::string input, extend;
  double strength = 0;
};

Extension given_extension(const std::string& text) {
  const std::optional<Extension> extension = parse_extension(text);
  if (!extension)
    fail(ErrorCategory::usage, "[extend] expected left=N,top=N,right=N,bottom=N, or some of them, each once, found {}",
         printable(text));
  return *extension;
}

int run(Options& o, bool strength_given) {
  settle(o.common);
  o.task.generate = o.common.generate;
  o.task.extension = given_extension(o.extend);
  if (strength_given) o.task.strength = o.strength;
  o.task.picture = read_picture(o.input).picture;
  const auto [left, top, right, bottom] = o.task.extension;
  return make_pictures(
      o.common, o.task.generate,
      {.make = [&](Model& model, const OnPicture& made) { return outpaint(model, o.task, made); },
       .plan = [&](Model& model) { return forecast(model, o.task); },
       .json =
           fmt::format(",\"input\":{},\"extend\":{{\"left\":{},\"top\":{},\"right\":{},\"bottom\":{}}},\"overlap\":{}",
                       json_string(o.input), left, top, right, bottom, o.task.overlap),
       .keeps_pixels = true});
}

}  // namespace

void add_outpaint(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("outpaint", "Paint on beyond a picture's edges.");
  add_input_option(command, options->input);
  command
      .add_option("--extend", options->extend,
                  "Pixels to add on each side, any number: left=64,right=64. The picture itself stays as it is")
      .shown_as("left=N,top=N,right=N,bottom=N")
      .required();
  command.add_option("--overlap", options->task.overlap, "Pixels beyond the edge over which tones are made to meet")
      .show_default();
  add_prompt_options(command, options->common);
  const Option strength = command.add_option(
      "--strength", options->strength,
      "How much of what is made up beyond the edges, where the picture goes straight on, is painted over, above 0,\n"
      "at most 1; without it, 1 with a model that is made for inpainting, else 0.9");
  options->common.model.shipped = kShippedInpaint;
  add_model_options(command, options->common.model);
  add_output_options(command, options->common);
  add_sampling_options(command, options->common);
  add_run_options(command, options->common);
  command.footer(
      "Example: safelight outpaint -i house.jpg --extend left=128,right=128 -p \"a house by a lake\" -o wide.jpg");
  command.callback([options, strength, &status] { status = run(*options, strength.given()); });
}

}  // namespace safelight::cli

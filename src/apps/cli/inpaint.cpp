// safelight inpaint: a part of a picture anew.
#include <fmt/format.h>

#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/make_pictures.h"
#include "core/json_text.h"
#include "image/masked_content.h"

namespace safelight::cli {
namespace {

struct Options {
  PictureArguments common;
  InpaintOptions task;
  std::string input, mask, content = "original";
  bool no_composite = false;
};

int run(Options& o) {
  settle(o.common);
  o.task.generate = o.common.generate;
  o.task.content = parse_masked_content(o.content);
  o.task.composite = !o.no_composite;
  PictureFile input = read_picture(o.input);
  o.task.mask = given_mask(o.mask, input);
  o.task.picture = std::move(input.picture);
  const std::string json = fmt::format(
      ",\"input\":{},\"mask\":{},\"invert\":{},\"strength\":{},\"mask_blur\":{},\"content\":{},\"only_masked\":{},"
      "\"padding\":{},\"composite\":{}",
      json_string(o.input), o.mask.empty() ? "null" : json_string(o.mask), o.task.invert, o.task.strength,
      o.task.mask_blur, json_string(info(o.task.content).names.name), o.task.only_masked, o.task.padding,
      o.task.composite);
  return make_pictures(o.common, o.task.generate,
                       {.make = [&](Model& model, const OnPicture& made) { return inpaint(model, o.task, made); },
                        .plan = [&](Model& model) { return forecast(model, o.task); },
                        .json = json,
                        .keeps_pixels = o.task.composite});
}

void add_mask_options(Command command, Options& o) {
  command.add_option("--mask", o.mask,
                     "Picture of the same size: white is repainted, black kept, grey a little of both. If it has\n"
                     "transparent parts, what is painted in it is repainted. Without it, what is transparent in the\n"
                     "input is repainted");
  command.add_flag("--invert", o.task.invert, "Repaint what the mask keeps");
  command
      .add_option("--mask-blur", o.task.mask_blur,
                  "How softly the new part begins inside the mask, in pixels; nothing outside of it changes")
      .show_default();
  command
      .add_option("--masked-content", o.content,
                  "What is under the mask at first, with a strength below 1: original, fill (the colours around it),\n"
                  "latent_noise or latent_nothing")
      .show_default();
  command.add_flag("--only-masked", o.task.only_masked,
                   "Enlarge the masked region to --width x --height, and work on it alone");
  command.add_option("--padding", o.task.padding, "Pixels around it that go with it").show_default();
  command.add_flag("--no-composite", o.no_composite,
                   "Keep the whole picture as the model gives it, which changes all of its pixels a little");
}

}  // namespace

void add_inpaint(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("inpaint", "Paint a part of a picture anew.");
  add_input_option(command, options->input);
  add_mask_options(command, *options);
  add_prompt_options(command, options->common);
  add_strength_option(command, options->task.strength);
  options->common.model.shipped = kShippedInpaint;
  add_model_options(command, options->common.model);
  add_output_options(command, options->common);
  add_size_options(command, options->common, "Pixels, with --only-masked; without it, the model's own size");
  add_sampling_options(command, options->common);
  add_run_options(command, options->common);
  command.footer(
      "Any model will do; one that is made for inpainting sees what is around the mask.\n"
      "Example: safelight inpaint -i room.jpg --mask chair.png -p \"a wooden chair\" -o room2.png");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace safelight::cli

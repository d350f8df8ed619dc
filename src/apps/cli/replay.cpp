// safelight replay: a picture once more, from the settings that it carries.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

#include "apps/cli/commands.h"
#include "apps/cli/make_pictures.h"
#include "apps/cli/replay_model.h"
#include "apps/cli/replay_words.h"
#include "apps/cli/signals.h"
#include "core/fail.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "image/picture_settings.h"
#include "tasks/field_names.h"

namespace safelight::cli {
namespace {

constexpr std::size_t kLongestValue = 80;  // characters shown of a setting

struct Options {
  PictureArguments common;
  ReplayChoices choices;
  std::string picture, input, mask;
  bool dry_run = false;
};

// --- what it was told, and by whom ----------------------------------------------------------------------------------

Replay read_replay(const Options& o, const PictureFile& original) {
  const PictureSettings said = read_settings(original.text);
  if (!said.settings || said.settings->fields.empty())
    fail(ErrorCategory::usage, "[replay] {} does not say how it was made", printable(o.picture));
  return replay_of(*said.settings, said.form, {.width = original.picture.width, .height = original.picture.height},
                   o.choices);
}

// Pictures that a task works on are given if it works on them, and only then.
void check_files(const Options& o, const TaskOptions& task) {
  const std::string_view name = task_name(task);
  const bool from_words = std::holds_alternative<GenerateOptions>(task);
  if (from_words && !o.input.empty())
    fail(ErrorCategory::usage, "[input] expected none: {} was made from words alone", printable(o.picture));
  if (!std::holds_alternative<InpaintOptions>(task) && !o.mask.empty())
    fail(ErrorCategory::usage, "[mask] expected none: {} was made by {}", printable(o.picture), name);
  const bool wants_mask = std::holds_alternative<InpaintOptions>(task) && o.mask.empty();
  if (!from_words && o.input.empty() && !o.dry_run)
    fail(ErrorCategory::usage,
         "[input] {} was made by {} from another picture, which it does not hold: expected --input{}; or see --dry-run "
         "for the command line of safelight {}",
         printable(o.picture), name, wants_mask ? ", and --mask unless it is transparent where it was repainted" : "",
         name);
}

void check_output(const Options& o) {
  std::error_code ignored;
  if (std::filesystem::equivalent(o.common.output, o.picture, ignored))
    fail(ErrorCategory::usage, "[output] expected another file than {}, which is replayed", printable(o.picture));
}

// --- what is said ---------------------------------------------------------------------------------------------------

std::string unmet_json(const std::vector<UnmetSetting>& unmet) {
  std::string out = "[";
  for (const auto& [field, value, reason] : unmet)
    out += fmt::format(R"({}{{"field":{},"value":{},"reason":{}}})", out.size() > 1 ? "," : "", json_string(field),
                       json_string(value), json_string(reason));
  return out + "]";
}

void warn_of(const std::vector<UnmetSetting>& unmet) {
  for (const auto& [field, value, reason] : unmet)
    fmt::print(stderr, "safelight: warning: not as in the picture: {} {}: {}\n", printable(field, kLongestValue),
               printable(value, kLongestValue), printable(reason));
}

int print_command(const Options& o, const Replay& replay) {
  TaskFiles files{.input = o.input, .mask = o.mask, .output = o.common.output};
  if (!std::holds_alternative<GenerateOptions>(replay.task) && o.input.empty()) files.input = "INPUT";
  if (std::holds_alternative<InpaintOptions>(replay.task) && o.input.empty() && o.mask.empty()) files.mask = "MASK";
  const std::vector<std::string> words = command_words(replay.task, o.common.model, files);
  if (!o.common.json) {
    warn_of(replay.unmet);
    fmt::print("safelight {}\n", shell_text(words));
    return 0;
  }
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ",") + json_string(word);
  fmt::print("{{\"replayed\":{},\"task\":\"{}\",\"command\":[{}],\"unmet\":{}}}\n", json_string(o.picture),
             task_name(replay.task), list, unmet_json(replay.unmet));
  return 0;
}

// Of all pixels, how many are others; 1 if the sizes differ.
double different(const Picture& a, const Picture& b) {
  if (a.width != b.width || a.height != b.height) return 1;
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.rgb.size(); i += 3) count += !std::equal(&a.rgb[i], &a.rgb[i] + 3, &b.rgb[i]);
  return static_cast<double>(count) / (static_cast<double>(a.rgb.size()) / 3);
}

// --- the task -------------------------------------------------------------------------------------------------------

GenerateReport make(Model& model, const GenerateOptions& task, const OnPicture& made) {
  return generate(model, task, made);
}
GenerateReport make(Model& model, const TransformOptions& task, const OnPicture& made) {
  return transform(model, task, made);
}
GenerateReport make(Model& model, const InpaintOptions& task, const OnPicture& made) {
  return inpaint(model, task, made);
}
GenerateReport make(Model& model, const OutpaintOptions& task, const OnPicture& made) {
  return outpaint(model, task, made);
}
GenerateReport make(Model& model, const EditPictureOptions& task, const OnPicture& made) {
  return edit(model, task, made);
}

// REQUIRES: check_files().
void add_files(TaskOptions& task, const Options& o) {
  if (o.input.empty()) return;
  PictureFile input = read_picture(o.input);
  const auto add = [&]<class Of>(Of& options) {
    if constexpr (std::is_same_v<Of, InpaintOptions>) options.mask = given_mask(o.mask, input);
    if constexpr (!std::is_same_v<Of, GenerateOptions>) options.picture = std::move(input.picture);
  };
  std::visit(add, task);
}

bool keeps_pixels(const TaskOptions& task) {
  const InpaintOptions* const inpaint = std::get_if<InpaintOptions>(&task);
  return inpaint ? inpaint->composite : std::holds_alternative<OutpaintOptions>(task);
}

int make_again(Options& o, Replay& replay, const PictureFile& original) {
  add_files(replay.task, o);
  if (!o.common.json) warn_of(replay.unmet);
  std::optional<double> others;  // how many pixels are; of a format that keeps them all
  Task task{.make = {}, .plan = {}, .json = {}, .keeps_pixels = keeps_pixels(replay.task)};
  task.make = [&](Model& model, const OnPicture& made) {
    const auto compare = [&](GeneratedPicture picture) {
      if (original.format == PictureFormat::png) others = different(picture.picture, original.picture);
      made(std::move(picture));
    };
    GenerateReport report = std::visit([&](const auto& t) { return make(model, t, compare); }, replay.task);
    task.json =
        fmt::format(",\"replayed\":{},\"task\":\"{}\",\"unmet\":{},\"different_pixels\":{}", json_string(o.picture),
                    task_name(replay.task), unmet_json(replay.unmet), others ? fmt::format("{}", *others) : "null");
    return report;
  };
  task.plan = [&](Model& model) { return std::visit([&](const auto& t) { return forecast(model, t); }, replay.task); };
  GenerateOptions& common = common_options(replay.task);
  o.common.generate = common;
  const int status = make_pictures(o.common, common, task);
  if (others && !o.common.json && !o.common.quiet)
    fmt::print(stderr, "{}\n",
               *others == 0
                   ? fmt::format("every pixel is as in {}", printable(o.picture))
                   : fmt::format("{:.3g} % of the pixels are others than in {}", *others * 100, printable(o.picture)));
  return status;
}

int run(Options& o) {
  settle(o.common);
  const PictureFile original = read_picture(o.picture);
  if (o.common.output.empty()) o.common.output = std::filesystem::path(o.picture).stem().string() + "-replay.png";
  check_output(o);
  Replay replay = read_replay(o, original);
  check_files(o, replay.task);
  choose_model(o.common.model, replay.model, replay.unmet,
               {.threads = o.common.threads, .cancel = &cancel_on_signals()});
  GenerateOptions& options = common_options(replay.task);
  options.max_memory = o.common.generate.max_memory;
  options.initial_latents = o.common.generate.initial_latents;
  if (options.initial_latents)
    std::erase_if(replay.unmet, [](const UnmetSetting& unmet) { return unmet.field == field::kStartNoise; });
  return o.dry_run ? print_command(o, replay) : make_again(o, replay, original);
}

}  // namespace

void add_replay(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("replay", "Make a picture again, by the settings that it carries.");
  command
      .add_option("PICTURE", options->picture,
                  "PNG, JPEG or WebP, made by Safelight, by A1111 or programs like it, or by ComfyUI")
      .required();
  options->common.output.clear();
  command.add_option("-o,--output", options->common.output,
                     "Where it goes, as .png, .jpg or .webp; without it, NAME-replay.png here");
  command.add_option("-i,--input", options->input,
                     "The picture that it was made from, if it was: by transform, inpaint, outpaint or edit");
  command.add_option("--mask", options->mask, "What was repainted, if it was made by inpaint");
  add_model_options(command, options->common.model, "the one that the picture names");
  command.add_option("--sampler", options->choices.sampler, "This one, whatever the picture says");
  command.add_option("--schedule", options->choices.schedule, "Likewise");
  command.add_option("--hires-upscaler", options->choices.hires_upscaler, "Likewise");
  command.add_flag("--dry-run", options->dry_run,
                   "Print the command line that does it, make nothing; what is not known is INPUT and MASK");
  add_machine_options(command, options->common);
  command.footer(
      "Without -m, the model is looked for by its hash, then by its name, where safelight models looks. Each setting\n"
      "that cannot be followed is a warning; --json lists them as unmet.\n"
      "Example: safelight replay house.png -o again.png");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace safelight::cli

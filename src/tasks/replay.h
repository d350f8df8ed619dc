// A picture once more: the task and the options that its settings ask for, whichever program wrote them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "image/picture_settings.h"
#include "safelight/picture_tasks.h"

namespace safelight {

// Which model a picture says that it was made with. What it does not say is empty.
struct ModelOfPicture {
  std::string hash, name;  // AutoV2 or AutoV1; usually without folder and extension
  std::string vae_hash, vae;
  std::vector<std::string> text_encoders;  // names of files, like the VAE's
  std::string variant, prediction;         // as in ModelOptions
  std::optional<bool> zero_terminal_snr;
};

// A setting that the task cannot follow, or not fully.
struct UnmetSetting {
  std::string field, value, reason;

  bool operator==(const UnmetSetting&) const = default;
};

using TaskOptions =
    std::variant<GenerateOptions, TransformOptions, InpaintOptions, OutpaintOptions, EditPictureOptions>;

// "generate", "transform", ...: what the command is called.
std::string_view task_name(const TaskOptions& task) noexcept;

// Those that all tasks have.
GenerateOptions& common_options(TaskOptions& task);

struct Replay {
  TaskOptions task;  // without the picture and the mask that it works on, which no picture holds
  ModelOfPicture model;
  std::vector<UnmetSetting> unmet;  // in the order of the settings, then the prompts
};

// What is to be taken in place of what the picture says.
struct ReplayChoices {
  std::optional<std::string> sampler{}, schedule{}, hires_upscaler{};
};

// `size` is the picture's own, for settings that do not tell one. Of Safelight's pictures all settings are met but
// start noise from a file. Other programs' are met as far as they mean the same here: docs/replay.md. Throws
// Error(usage) if steps, sampler or seed are not told, or the sampler, schedule or upscaler is none of ours and nothing
// was chosen in its place; Error(format) for a value that is not what its field holds. Ranges are for the task to
// check.
Replay replay_of(const Infotext& settings, SettingsForm form, const PictureSize& size,
                 const ReplayChoices& choices = {});

}  // namespace safelight

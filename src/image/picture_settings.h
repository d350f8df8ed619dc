// What the texts inside a picture's file say about how it was made.
#pragma once

#include <optional>
#include <string_view>

#include "image/infotext.h"
#include "safelight/picture.h"

namespace safelight {

// In whose form the settings are.
enum class SettingsForm {
  infotext,     // of A1111, and of Safelight: image/infotext.h
  comfy_graph,  // of ComfyUI: image/comfy_graph.h
};
std::string_view name(SettingsForm form) noexcept;  // "infotext", "comfyui"

struct PictureSettings {
  std::optional<Infotext> settings;  // nothing: the picture does not say
  SettingsForm form = SettingsForm::infotext;
  PictureText others;  // the texts that are something else
};

// Never throws for what the texts may hold.
PictureSettings read_settings(PictureText texts);

}  // namespace safelight

#include "image/picture_settings.h"

#include "image/comfy_graph.h"

namespace safelight {
namespace {

constexpr std::string_view kGraph = "prompt", kUserInterface = "workflow";  // ComfyUI's keywords

}  // namespace

std::string_view name(SettingsForm form) noexcept { return form == SettingsForm::infotext ? "infotext" : "comfyui"; }

PictureSettings read_settings(PictureText texts) {
  PictureSettings said;
  if (auto text = texts.extract(std::string(kInfotextKeyword))) {
    said.settings = parse_infotext(text.mapped());
  } else if (const auto graph = texts.find(std::string(kGraph)); graph != texts.end()) {
    said.settings = parse_comfy_graph(graph->second);
    if (said.settings) {
      said.form = SettingsForm::comfy_graph;
      texts.erase(graph);
      texts.erase(std::string(kUserInterface));  // the same graph, as it is drawn
    }
  }
  said.others = std::move(texts);
  return said;
}

}  // namespace safelight

#include "models/part_folders.h"

#include <array>

#include "core/fail.h"
#include "core/printable.h"
#include "core/shown_path.h"
#include "models/component_config.h"
#include "models/component_files.h"
#include "models/config_file.h"
#include "models/said_prediction.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

struct Component {
  std::string_view folder;
  PartKind kind;
  int order;  // of text encoders
};

constexpr std::array<Component, 4> kComponents{{{"unet", PartKind::unet, -1},
                                                {"vae", PartKind::vae, -1},
                                                {"text_encoder", PartKind::text_encoder, 0},
                                                {"text_encoder_2", PartKind::text_encoder, 1}}};

}  // namespace

bool has_part_folders(const fs::path& path) {
  std::error_code unknown;
  return fs::is_directory(path, unknown) &&
         (fs::exists(path / "model_index.json", unknown) || fs::is_directory(path / "unet", unknown));
}

void add_part_folders(CheckpointBuilder& builder, const fs::path& folder, const CheckpointSources& sources) {
  const std::string& variant = sources.variant;
  const auto index = ConfigFile::read(folder / "model_index.json");
  if (index) builder.facts().zeros_for_empty_prompt = index->flag("force_zeros_for_empty_prompt");
  bool any_of_variant = variant.empty(), any_unet = false;
  for (const Component& component : kComponents) {
    const fs::path place = folder / component.folder;
    std::error_code unknown;
    const bool left_out = index && index->is_null(component.folder);
    const bool replaced = component.kind == PartKind::vae && !sources.vae.empty();
    if (left_out || replaced || !fs::is_directory(place, unknown)) continue;
    const std::vector<ComponentFile> candidates = component_files(place);
    const ComponentFile& file = choose(candidates, place, variant);
    any_of_variant |= file.variant == variant;
    any_unet |= component.kind == PartKind::unet;
    const ShardedTensors files = ShardedTensors::open(file.path);
    builder.add(component.kind, files, read_component_config(place, component.kind, files), component.order);
  }
  if (!any_unet) fail(ErrorCategory::model, "[model] {} has no folder unet with a UNet", shown_path(folder));
  if (!any_of_variant)
    fail(ErrorCategory::usage, "[variant] {} has no files of the variant {}, only plain ones", shown_path(folder),
         printable(variant));
  builder.facts().said = said_by_scheduler(folder);
}

}  // namespace safelight

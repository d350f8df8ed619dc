// Finding the models below a folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "library/sidecars.h"
#include "models/recognise.h"
#include "safelight/context.h"

namespace safelight {

// Where models are looked for. Names are told from `folder`; `kind` is what a whole folder is for, if that is known.
struct ModelsRoot {
  std::filesystem::path folder;
  std::optional<ModelKind> kind{};
};

// One model that was found, not opened yet.
struct FoundModel {
  std::filesystem::path path;     // a file, the index of a set of shards, or a folder as diffusers writes them
  std::string name;               // relative to the folder of its kind, with "/" and extension
  std::optional<ModelKind> kind;  // of the folder it is in
  std::vector<Sidecar> sidecars;
  std::string problem{};  // why it cannot even be looked at: a link that leads nowhere, an unreadable folder
};

// What of a folder programs search: DIR/models, DIR/embeddings and DIR/extensions/sd-webui-controlnet/models if DIR
// looks like A1111's or ComfyUI's own folder, else DIR; then the folders of DIR/extra_model_paths.yaml. What is wrong
// with that file goes into `problems`.
std::vector<ModelsRoot> roots_of(const std::filesystem::path& dir, std::vector<FoundModel>& problems);

// All models below the roots, sorted by name, then path; what two roots share is found once. Links are followed; every
// folder is visited once, under its own name rather than a link's. Hidden files and folders are left out. Never throws
// for what the folders may hold; Error(cancelled).
std::vector<FoundModel> find_models(const std::vector<ModelsRoot>& roots, const Context& context = {});

}  // namespace safelight

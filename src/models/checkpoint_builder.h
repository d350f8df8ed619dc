// Puts a checkpoint's table together from the parts that files have.
#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "models/checkpoint.h"
#include "models/component_config.h"
#include "models/model_parts.h"
#include "safelight/sharded.h"

namespace safelight {

class CheckpointBuilder {
 public:
  // `path`: what messages call the whole. `sources`: what was asked for besides, for Checkpoint::sources() alone.
  explicit CheckpointBuilder(std::filesystem::path path, CheckpointSources sources = {})
      : path_(std::move(path)), sources_(std::move(sources)) {}

  // All tensors of a model's own files: its parts, and the rest as it is.
  void add(const ShardedTensors& files);

  // The one part of this kind in the files of a component of a folder. `order`: of a text encoder, 0 or 1. Error(model)
  // if it is not there.
  void add(PartKind kind, const ShardedTensors& files, const ComponentConfig& config, int order = -1);

  // In place of what the model's own files have, and of what was said about that. `option` says in messages what the
  // file was given for. Error(model) if it has no such part.
  void replace(PartKind kind, const ShardedTensors& files, const ComponentConfig& config, std::string_view option);

  // Those that are not of a part.
  CheckpointFacts& facts() noexcept { return facts_; }

  // Error(usage) if two files were given for one place, Error(model) if two tensors would have one name.
  Checkpoint build() &&;

 private:
  struct Row {
    TensorInfo info;  // under our name
    std::string name_in_file;
    const SafeTensors* file;
  };
  struct TextEncoderPart {
    ModelPart part;
    std::optional<Activation> activation;
  };
  struct Replacement {
    ModelPart part;
    ComponentConfig config;
    std::filesystem::path file;
    std::string option;
  };

  const ShardedTensors& keep(const ShardedTensors& files);
  void add_row(const ShardedTensors::Entry& entry, std::string name);
  void add_rows(const ModelPart& part, const std::string& place);
  void set_activation(const std::string& place, const std::optional<Activation>& activation);
  void place_text_encoders();
  void place_replacements();
  std::string place_by_shape(const ModelPart& text_encoder) const;
  bool has_label_embedding() const;
  std::uint64_t context_width() const;

  std::filesystem::path path_;
  CheckpointSources sources_;
  std::deque<ShardedTensors> kept_;  // what the rows refer to
  std::vector<Row> rows_;
  std::vector<TextEncoderPart> text_encoders_;  // of the model itself, until its UNet is known
  std::vector<Replacement> replacements_;
  Metadata metadata_;
  CheckpointFacts facts_;
};

}  // namespace safelight

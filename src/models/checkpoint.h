// A model's tensors, wherever they come from: one file, a folder of them, or a UNet with a VAE and text encoders of its
// own choice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/family.h"
#include "models/model_parts.h"
#include "models/said_prediction.h"
#include "ops/epilogue.h"
#include "safelight/safetensors.h"

namespace safelight {

// The activation of text encoders, by their places (kTextPlace, ...).
using TextActivations = std::map<std::string, Activation, std::less<>>;

// What configuration files say and tensors do not: those of a diffusers folder, of a component of one that was given
// besides, and the one beside a single file. What they do not say, or where there are none, is empty.
struct CheckpointFacts {
  std::optional<SaidPrediction> said{};          // of a folder's scheduler; name.yaml
  std::optional<double> latent_scale{};          // vae: scaling_factor
  std::optional<std::int64_t> latent_side{};     // unet: sample_size, in latent pixels
  std::optional<bool> zeros_for_empty_prompt{};  // model_index: force_zeros_for_empty_prompt
  TextActivations text_activations{};            // text encoders: hidden_act
  std::vector<std::string> warnings{};           // what a person should know: a name.yaml that was not understood
};

// What to take in place of, or besides, what is at the model's own path: files, indexes, or folders with one of them.
// A config.json counts that is in such a folder, or beside such a file under one of diffusers' names
// (models/component_files.h).
struct CheckpointSources {
  std::filesystem::path vae{};                         // empty: none
  std::vector<std::filesystem::path> text_encoders{};  // which is which, their shapes tell
  std::string variant{};                               // of the files in folders, such as "fp16"; empty: the plain
};

// A table of tensors under our names (models/model_parts.h), whatever their files call them. What belongs to no part
// that is known keeps its name. Nothing is copied: tensors are borrowed from the mapped files. Cheap to copy; every
// member is const and safe to call from several threads.
class Checkpoint {
 public:
  // `path` is one of:
  //   - a single file: a checkpoint, or a UNet alone, in ldm's layout or diffusers'; also an index of shards, or a
  //     folder with one of them (models/component_files.h). Beside a file, name.yaml counts (models/said_prediction.h)
  //   - a diffusers folder: model_index.json, unet/, vae/, text_encoder/, text_encoder_2/, scheduler/
  // Says nothing about what is missing: see models/missing_parts.h. Throws Error(io), Error(format) from the readers;
  // Error(usage) for a variant that no file is of, or two files that are the same part; Error(model) for a file without
  // the part that it is named for, two tensors that would have one name, a configuration that contradicts the tensors.
  static Checkpoint open(const std::filesystem::path& path, const CheckpointSources& sources = {});

  // A single file that is open already.
  Checkpoint(const SafeTensors& file);

  // In the order of the files and of the bytes within; begin and end are places in their file.
  std::span<const TensorInfo> tensors() const noexcept;

  // The tensor with this name, or nullptr.
  const TensorInfo* find(std::string_view name) const noexcept;

  // All whose names begin so, by name.
  std::span<const TensorInfo* const> below(std::string_view prefix) const noexcept;

  // A view of its bytes, as SafeTensors::tensor(). REQUIRES: info is of this checkpoint.
  Tensor tensor(const TensorInfo& info) const;

  // Of the UNet's files.
  const Metadata& metadata() const noexcept;

  const CheckpointFacts& facts() const noexcept;

  // For messages: where the tensor is, or would be if there is none, and what its file calls it:
  // "model.safetensors: tensor conv_in.weight (here model.diffusion_model.input_blocks.0.0.weight)".
  std::string where(std::string_view name) const;

  // The same for a tensor's name alone, as its file has it. REQUIRES: info is of this checkpoint.
  const std::string& name_in_file(const TensorInfo& info) const noexcept;

  // All files that tensors come from.
  std::span<const SafeTensors> files() const noexcept;

  // What was asked for besides the path.
  const CheckpointSources& sources() const noexcept;

  // What was opened; empty if it was open already and had no path.
  const std::filesystem::path& path() const noexcept;

  // The file with the UNet's first tensor, whose hash is the model's; the first file if there is no UNet.
  const std::filesystem::path& main_file() const noexcept;

  // The file with the VAE's first tensor; empty if there is no VAE.
  std::filesystem::path vae_file() const;

  // "papercut" of papercut.safetensors, a folder's whole name.
  std::string name() const;

 private:
  friend class CheckpointBuilder;
  friend void release_pages(const Checkpoint& checkpoint, std::string_view prefix);
  struct State;
  explicit Checkpoint(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// As in format/residency.h, for all files.
std::uint64_t bytes_below(const Checkpoint& checkpoint, std::string_view prefix);
void release_pages(const Checkpoint& checkpoint, std::string_view prefix = {});

}  // namespace safelight

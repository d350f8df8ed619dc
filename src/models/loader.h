// A place in a checkpoint: `w / "in_layers.0"` names a sub-tree. Layers take one in their constructor and are ready.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "models/checkpoint.h"
#include "ops/backend.h"
#include "safelight/tensor.h"

namespace safelight {

enum class Bias { required, none };

// Cheap to copy. The backend must outlive it and the layers made from it, which keep the mappings of their files.
// Every Error(model) that it throws names the file and the tensor, what was expected and what was found.
class Loader {
 public:
  Loader(const Checkpoint& checkpoint, Backend& backend, std::string prefix = {});

  Loader operator/(std::string_view name) const;
  Loader operator/(std::int64_t index) const;

  // The same place, whose layers (below it, too) multiply in this precision; without it, in full.
  Loader with(Precision precision) const;
  Precision precision() const noexcept { return precision_; }

  Backend& backend() const noexcept { return *backend_; }
  const std::string& prefix() const noexcept { return prefix_; }

  // Is there a tensor at prefix.name, or any tensor below prefix.name?
  bool has(std::string_view name) const;
  bool has(std::int64_t index) const { return has(std::to_string(index)); }

  // One more than the highest index i for which there is a tensor below prefix.i, and at least 1: how many blocks a
  // list of them should have. If one in between is missing, making it says so.
  std::int64_t count() const;

  // One dimension of prefix.name: this is where a model's sizes come from. Error(model) if the tensor is missing, has
  // no such axis, or a size of zero there.
  std::int64_t dim(std::string_view name, std::size_t axis) const;

  // How many dimensions prefix.name has. Error(model) if the tensor is missing.
  std::size_t rank(std::string_view name) const;

  // The tensor prefix.name, borrowed, in the file's type. Error(model) if it is missing, has another shape, or holds
  // something else than floating-point numbers.
  Tensor tensor(std::string_view name, const Shape& expected) const;

  // The tensor prefix.weight of any of these shapes, with `out` output channels, likewise; and the scales of its
  // numbers of 8 bits, which may be whole ones then: prefix.weight_scale, or prefix.scale_weight as older files have
  // it, one of all or one of each output channel. Error(model) for weights that a file keeps in yet another form.
  Weight weight(std::span<const Shape> accepted, std::int64_t out) const;

  // Layers bound to prefix.weight and prefix.bias. A 1x1 convolution and a linear layer are the same thing, so both
  // take weights of either shape: [out, in] and [out, in, 1, 1].
  // A spec's precision is not looked at: the place has one.
  std::unique_ptr<Conv2d> conv2d(const Conv2dSpec& spec) const;
  std::unique_ptr<Linear> linear(const LinearSpec& spec, Bias bias = Bias::required) const;
  std::unique_ptr<GroupNorm> group_norm(const GroupNormSpec& spec) const;
  std::unique_ptr<LayerNorm> layer_norm(const LayerNormSpec& spec) const;
  std::unique_ptr<Embedding> embedding(const EmbeddingSpec& spec) const;

  // Throws Error(model): "[model] FILE: tensor PREFIX.NAME <complaint>", with the name that the file has for it, too,
  // if that is another. For what only the model can know is wrong.
  [[noreturn]] void reject(std::string_view name, std::string_view complaint) const;

 private:
  std::string path(std::string_view name) const;
  const TensorInfo& info(std::string_view name) const;
  Tensor tensor(std::string_view name, std::span<const Shape> accepted, bool whole_numbers = false) const;
  const TensorInfo* scale_of_weight() const;
  bool is_rotated() const;
  Tensor scales(std::int64_t out) const;

  Checkpoint checkpoint_;
  Backend* backend_;
  std::string prefix_;
  Precision precision_ = Precision::full;
};

}  // namespace safelight

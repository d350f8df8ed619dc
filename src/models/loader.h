// A place in a checkpoint: `w / "in_layers" / "0"` names a sub-tree. Layers take one in their constructor and are
// ready.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ops/backend.h"
#include "safelight/safetensors.h"
#include "safelight/tensor.h"

namespace safelight {

// Cheap to copy. The file and the backend must outlive it (the layers made from it keep only the file's mapping).
class Loader {
 public:
  Loader(const SafeTensors& file, Backend& backend, std::string prefix = {});

  Loader operator/(std::string_view name) const;
  Loader operator/(std::int64_t index) const;

  Backend& backend() const noexcept { return *backend_; }
  const std::string& prefix() const noexcept { return prefix_; }

  // Is there a tensor at prefix.name, or any tensor below prefix.name?
  bool has(std::string_view name) const;

  // The shape of prefix.name: this is where a model's sizes come from. Throws Error(model) if it is missing, naming
  // file and tensor.
  Shape shape(std::string_view name) const;

  // The tensor itself, in the file's type; empty if missing and `optional`. Error(model) if missing otherwise.
  Tensor tensor(std::string_view name, bool optional = false) const;

  // Layers bound to prefix.weight and prefix.bias, sizes taken from the weight's shape. A shape that does not fit is an
  // Error(model) that names the file, the tensor, what was expected and what was found.
  std::unique_ptr<Conv2d> conv2d(std::int64_t in, std::int64_t out, int kernel = 3, int stride = 1,
                                 Padding padding = {}, bool upsample = false) const;
  std::unique_ptr<Linear> linear(std::int64_t in, std::int64_t out, bool geglu = false) const;
  std::unique_ptr<GroupNorm> group_norm(std::int64_t channels, float epsilon,
                                        Activation activation = Activation::none) const;
  std::unique_ptr<LayerNorm> layer_norm(std::int64_t channels) const;
  std::unique_ptr<Embedding> embedding() const;

 private:
  const SafeTensors* file_;
  Backend* backend_;
  std::string prefix_;
};

}  // namespace safelight

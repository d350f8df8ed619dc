// The tensors of a model, wherever they lie, as far as telling what it is needs them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/said_prediction.h"
#include "safelight/safetensors.h"

namespace safelight {

// One file, a set, or parts from several files under the names of the ldm layout. Refers to what it was made from.
struct Inventory {
  std::span<const TensorInfo> tensors{};
  const Metadata* metadata = nullptr;  // may be null
  // The values of a small tensor, in any type. May be empty, and may throw Error: what only values tell stays untold.
  std::function<Tensor(const TensorInfo&)> read{};
  // What a tensor is called where it lies, if that differs from its name here; may be empty.
  std::function<std::string(const TensorInfo&)> name_in_file{};
  std::optional<SaidPrediction> said{};

  // The value of a key, or "".
  std::string_view meta(const std::string& key) const;

  // "tensor conv_in.weight F16 [320, 4, 3, 3]", printable.
  std::string describe(const TensorInfo& tensor) const;
};

// REQUIRES: the file outlives the result. Values are read, not mapped: a file that is shortened meanwhile is an Error.
Inventory inventory_of(const SafeTensors& file);

// Questions about many names, at the price of sorting them once. Refers to the tensors.
class TensorNames {
 public:
  explicit TensorNames(std::span<const TensorInfo> tensors);

  // The tensor with this name; the first, in the order of names, that begins with this; or one that begins with the one
  // and ends with the other. Null if there is none.
  const TensorInfo* exact(std::string_view name) const;
  const TensorInfo* below(std::string_view prefix) const;
  const TensorInfo* between(std::string_view prefix, std::string_view suffix) const;

  // All that begin with this, in the order of names.
  std::span<const TensorInfo* const> all_below(std::string_view prefix) const;

  // The first, in the order of names, that holds this text anywhere. Slow: looks at every name.
  const TensorInfo* holding(std::string_view part) const;

  std::span<const TensorInfo* const> all() const noexcept { return sorted_; }

 private:
  std::vector<const TensorInfo*> sorted_;
};

// One dimension; 0 if the tensor or the dimension is missing.
std::uint64_t dimension(const TensorInfo* tensor, std::size_t axis);

}  // namespace safelight

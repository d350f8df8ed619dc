// The text as the layers of one UNet see it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>

#include "safelight/tensor.h"

namespace safelight {

class CrossAttention;

// What attention looks things up in: F32 [n, tokens, channels] each.
struct KeysAndValues {
  Tensor keys, values;
};

// The keys and values of every layer that attends to the text, and what the text adds to the time embedding. They
// depend on the prompt alone, so they are computed once for all steps of all pictures: UNet::prepare makes one. It does
// not change after that and may be read by several threads; copies share the tensors. The one that is made by default
// holds no texts.
class TextContext {
 public:
  TextContext() = default;

  std::int64_t texts() const noexcept { return texts_; }

  // REQUIRES: made by the UNet that the layer belongs to.
  const KeysAndValues& operator[](const CrossAttention& layer) const { return layers_.at(&layer); }

  // F32 [n, width of the time embedding]; empty where the UNet takes no vector.
  const Tensor& label() const noexcept { return label_; }

 private:
  friend class UNet;
  friend class BasicTransformerBlock;

  explicit TextContext(std::int64_t texts) : texts_(texts) {}
  void add(const CrossAttention& layer, KeysAndValues known) { layers_.emplace(&layer, std::move(known)); }
  void set_label(Tensor label) { label_ = std::move(label); }

  std::int64_t texts_ = 0;
  Tensor label_;
  std::unordered_map<const CrossAttention*, KeysAndValues> layers_;
};

}  // namespace safelight

// Everything a model may ask of a device. A backend that misses an op does not compile.
#pragma once

#include <memory>
#include <string_view>

#include "ops/attention.h"
#include "ops/conv2d.h"
#include "ops/embedding.h"
#include "ops/group_norm.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "safelight/context.h"
#include "safelight/tensor.h"

namespace safelight {

// Thread-compatible: one call at a time, for the backend and all its ops together. Ops must not outlive their backend;
// tensors may.
//
// Ops with weights are bound once: the factory checks the weights' shapes (Error(model)) and keeps a reference to their
// bytes, in the file's own type (F32, F16, BF16, F8_E4M3, F8_E5M2; others are converted once). `bias` may be an empty
// tensor. Long ops look at the context's CancelToken and throw Error(cancelled).
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  // A new F32 tensor, uninitialised, from the backend's pool.
  virtual Tensor empty(Shape shape) = 0;

  virtual std::unique_ptr<Conv2d> conv2d(const Conv2dSpec& spec, Tensor weight, Tensor bias) = 0;
  virtual std::unique_ptr<Linear> linear(const LinearSpec& spec, Tensor weight, Tensor bias) = 0;
  virtual std::unique_ptr<GroupNorm> group_norm(const GroupNormSpec& spec, Tensor weight, Tensor bias) = 0;
  virtual std::unique_ptr<LayerNorm> layer_norm(const LayerNormSpec& spec, Tensor weight, Tensor bias) = 0;
  virtual std::unique_ptr<Embedding> embedding(const EmbeddingSpec& spec, Tensor table) = 0;

  // q: F32 [n, tokens, channels]; k, v: F32 [n, other tokens, channels] -> [n, tokens, channels]. Error(model) on other
  // shapes.
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec);

  // Channels of a, then of b: F32 [..., ca] and [..., cb] -> [..., ca + cb]. Error(model) on other shapes.
  Tensor concat(const Tensor& a, const Tensor& b);

 private:
  virtual void run_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec,
                             Tensor& y) = 0;
  virtual void run_concat(const Tensor& a, const Tensor& b, Tensor& y) = 0;
};

}  // namespace safelight

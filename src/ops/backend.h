// Everything a model may ask of a device. A backend that misses an op does not compile.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "ops/attention.h"
#include "ops/conv2d.h"
#include "ops/embedding.h"
#include "ops/group_norm.h"
#include "ops/joined.h"
#include "ops/layer_norm.h"
#include "ops/linear.h"
#include "ops/precision.h"
#include "ops/work.h"
#include "safelight/context.h"
#include "safelight/tensor.h"

namespace safelight {

// Thread-compatible: one call at a time, for the backend and all its ops together. Ops must not outlive their backend;
// tensors may.
//
// Ops with weights are bound once: the factory checks the weights' shapes (Error(model)) and keeps a reference to their
// bytes, in the file's own type (see Weight; of tables F32, F16, BF16, F8_E4M3, F8_E5M2). `bias` may be an empty
// tensor. Long ops look at the context's CancelToken and throw Error(cancelled).
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view instruction_set() const { return {}; }  // where there are several: another gives other bits

  // A new F32 tensor, uninitialised, from the backend's pool.
  virtual Tensor empty(Shape shape) = 0;

  virtual std::unique_ptr<Conv2d> conv2d(const Conv2dSpec& spec, Weight weight, Tensor bias) = 0;
  virtual std::unique_ptr<Linear> linear(const LinearSpec& spec, Weight weight, Tensor bias) = 0;
  virtual std::unique_ptr<GroupNorm> group_norm(const GroupNormSpec& spec, Tensor weight, Tensor bias) = 0;
  virtual std::unique_ptr<LayerNorm> layer_norm(const LayerNormSpec& spec, Tensor weight, Tensor bias) = 0;
  virtual std::unique_ptr<Embedding> embedding(const EmbeddingSpec& spec, Tensor table) = 0;

  // Whether this precision saves time here: int8 does everywhere, bf16 needs a processor that multiplies those.
  virtual bool gains_from(Precision precision) const = 0;

  // Gives memory that no tensor refers to back to the system, but for what the next phase will fill, which takes `keep`
  // bytes (Rehearsal::peak_bytes) and no more. For the end of a phase: it should not add to what the next one needs.
  virtual void trim(std::uint64_t keep) noexcept = 0;

  // The most memory that tensors and scratch have taken at one time, with what was kept for reuse.
  virtual std::uint64_t peak_bytes() const = 0;

  // Calls `work` as it would be called in earnest, but nothing is computed and no memory is taken: ops check their
  // arguments and ask for their memory, and that is what is counted. Tensors that come from it, and from empty() within
  // it, have no bytes that may be touched, and must be gone at its end. Throws what `work` throws.
  Rehearsal rehearse(const std::function<void()>& work);

  // For what models compute themselves: calls `body`, which touches the bytes of tensors, unless this is a rehearsal.
  template <class Body>
  void touch(Body&& body) {
    if (!rehearsal_) std::forward<Body>(body)();
  }

  // For the ops: calls `run`, which fills a result, and counts its work if this is a rehearsal.
  template <class Run>
  void perform(WorkKind kind, double work, Run&& run) {
    if (rehearsal_) rehearsal_->work[kind] += work;
    if (!rehearsal_ || runs_in_rehearsals()) std::forward<Run>(run)();
  }

  // q: F32 [n, tokens, channels]; k, v: F32 [n, other tokens, channels] -> [n, tokens, channels]. Error(model) on other
  // shapes.
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec);

  // Channels of a, then of b: F32 [..., ca] and [..., cb] -> [..., ca + cb]. Error(model) on other shapes.
  Tensor concat(const Tensor& a, const Tensor& b);

  // One tensor of what is joined: itself if it is one. For who cannot read two.
  Tensor whole(const Joined& x) { return x.b ? concat(x.a, *x.b) : x.a; }

 private:
  // Between these, empty() gives imagined tensors (core/buffer_pool.h); the end returns the most that they took.
  virtual void begin_rehearsal() = 0;
  virtual std::uint64_t end_rehearsal() = 0;
  // May ops be run on imagined tensors, to see what they ask for besides?
  virtual bool runs_in_rehearsals() const = 0;

  virtual void run_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec,
                             Tensor& y) = 0;
  virtual void run_concat(const Tensor& a, const Tensor& b, Tensor& y) = 0;

  Rehearsal* rehearsal_ = nullptr;
};

}  // namespace safelight

#include "backends/reference/reference_backend.h"

#include <optional>

#include "backends/reference/layers.h"
#include "core/buffer_pool.h"

namespace safelight {
namespace {

class ReferenceBackend final : public Backend {
 public:
  explicit ReferenceBackend(const Context& context) : context_(context) {}

  std::string_view name() const override { return "reference"; }

  // Every op allocates its result first, so this is where a long call notices that it was cancelled.
  Tensor empty(Shape shape) override {
    context_.check_cancelled();
    const std::size_t bytes = static_cast<std::size_t>(elements(shape)) * sizeof(float);
    return {DType::F32, std::move(shape), (imagined_ ? *imagined_ : memory_).take(bytes)};
  }
  void trim(std::uint64_t keep) noexcept override { memory_.trim(keep); }
  std::uint64_t peak_bytes() const override { return memory_.peak_bytes(); }
  bool gains_from(Precision precision) const override { return precision != Precision::bf16; }

  std::unique_ptr<Conv2d> conv2d(const Conv2dSpec& spec, Weight weight, Tensor bias) override {
    return reference::make_conv2d(spec, *this, weight, bias);
  }
  std::unique_ptr<Linear> linear(const LinearSpec& spec, Weight weight, Tensor bias) override {
    return reference::make_linear(spec, *this, weight, bias);
  }
  std::unique_ptr<GroupNorm> group_norm(const GroupNormSpec& spec, Tensor weight, Tensor bias) override {
    return reference::make_group_norm(spec, *this, weight, bias);
  }
  std::unique_ptr<LayerNorm> layer_norm(const LayerNormSpec& spec, Tensor weight, Tensor bias) override {
    return reference::make_layer_norm(spec, *this, weight, bias);
  }
  std::unique_ptr<Embedding> embedding(const EmbeddingSpec& spec, Tensor table) override {
    return reference::make_embedding(spec, *this, table);
  }

 private:
  void begin_rehearsal() override { imagined_.emplace(BufferPool::Blocks::imagined); }
  std::uint64_t end_rehearsal() override {
    const std::uint64_t peak = imagined_->peak_bytes();
    imagined_.reset();
    return peak;
  }
  bool runs_in_rehearsals() const override { return false; }  // its ops need next to nothing besides the result

  void run_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec, Tensor& y) override {
    reference::attention(q, k, v, spec, y);
  }
  void run_concat(const Tensor& a, const Tensor& b, Tensor& y) override { reference::concat(a, b, y); }

  const Context context_;
  BufferPool memory_;
  std::optional<BufferPool> imagined_;  // during a rehearsal
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend(const Context& context) {
  return std::make_unique<ReferenceBackend>(context);
}

}  // namespace safelight
